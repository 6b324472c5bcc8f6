//! From words to a tree.

use super::lex::{Token, tokens};

/// How deep an expression may be nested. GitHub allows 50.
const DEPTH: usize = 50;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A value of a context: `github.event.action`. `*` stands for all members.
    Path(Vec<String>),
    /// A member whose name is itself computed: `vars[github.ref_name]`.
    Index(Box<Expr>, Box<Expr>),
    /// A function with its arguments.
    Call(String, Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// An operator between two expressions.
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub(super) String);

/// Reads an expression, without `${{` and `}}`.
///
/// # Errors
/// When GitHub would not accept it.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(ParseError("the expression is empty".to_owned()));
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let expr = parser.binary(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(ParseError(format!("{} is not expected there", shown(token)))),
    }
}

/// Operators from the weakest to the strongest.
const LEVELS: [&[&str]; 4] = [&["||"], &["&&"], &["==", "!="], &["<", "<=", ">", ">="]];

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Result<(), ParseError> {
        if self.take(sign) {
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".to_owned(), shown);
        Err(ParseError(format!("`{sign}` is expected before {found}")))
    }

    fn binary(&mut self, level: usize) -> Result<Expr, ParseError> {
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.take(sign)) {
            let right = self.binary(level + 1)?;
            left = Expr::Binary(sign, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ParseError("it is nested too deeply".to_owned()));
        }
        let expr = if self.take("!") { Expr::Not(Box::new(self.unary()?)) } else { self.postfix()? };
        self.depth -= 1;
        Ok(expr)
    }

    fn postfix(&mut self) -> Result<Expr, ParseError> {
        let mut expr = self.primary()?;
        loop {
            if self.take(".") {
                let member = match self.peek() {
                    Some(Token::Name(name)) => name.clone(),
                    Some(Token::Sign("*")) => "*".to_owned(),
                    _ => return Err(ParseError("a name is expected after `.`".to_owned())),
                };
                self.at += 1;
                expr = member_of(expr, Expr::Text(member));
            } else if self.take("[") {
                let member = if self.take("*") { Expr::Text("*".to_owned()) } else { self.binary(0)? };
                self.expect("]")?;
                expr = member_of(expr, member);
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        let Some(token) = self.peek().cloned() else {
            return Err(ParseError("something is missing at its end".to_owned()));
        };
        self.at += 1;
        Ok(match token {
            Token::Text(text) => Expr::Text(text),
            Token::Number(number) => Expr::Number(number),
            Token::Sign("(") => {
                let inner = self.binary(0)?;
                self.expect(")")?;
                inner
            }
            Token::Sign("-") => match self.primary()? {
                Expr::Number(number) => Expr::Number(-number),
                _ => return Err(ParseError("a number is expected after `-`".to_owned())),
            },
            Token::Sign(sign) => return Err(ParseError(format!("`{sign}` is not expected there"))),
            Token::Name(name) if self.take("(") => {
                let mut arguments = Vec::new();
                while !self.take(")") {
                    if !arguments.is_empty() {
                        self.expect(",")?;
                    }
                    arguments.push(self.binary(0)?);
                }
                Expr::Call(name, arguments)
            }
            Token::Name(name) => match name.as_str() {
                "null" => Expr::Null,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                _ => Expr::Path(vec![name]),
            },
        })
    }
}

fn member_of(of: Expr, member: Expr) -> Expr {
    match (of, member) {
        (Expr::Path(mut path), Expr::Text(name)) => {
            path.push(name);
            Expr::Path(path)
        }
        (of, member) => Expr::Index(Box::new(of), Box::new(member)),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Text(text) => format!("`'{text}'`"),
        Token::Number(number) => format!("`{number}`"),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}
