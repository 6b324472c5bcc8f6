//! A token of GitHub, read for what it says about its bearer.
//!
//! Its signature is neither checked nor kept: it leaves this module only as the fact that there was one. Source: RFC 7519 and RFC 7515.

mod base64url;
mod read;

pub use read::{MAX_TOKEN, Token, TokenError, read};
