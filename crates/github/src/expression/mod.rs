//! Expressions of GitHub Actions: `${{ github.ref == 'refs/heads/main' }}`.
//!
//! They are evaluated as far as that is possible without a run: what nobody can know beforehand, such as a secret, is
//! [`Value::Unknown`], and stays so wherever it decides the result. Source: GitHub Actions documentation, "Evaluate expressions".

mod eval;
mod lex;
mod parse;
mod template;

pub use eval::{Context, Value, evaluate};
pub use parse::{Expr, ParseError, parse};
pub use template::{Part, Piece, Rendered, condition, pieces, render};
