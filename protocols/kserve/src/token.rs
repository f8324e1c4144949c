//! Who may come in: whoever knows the token.

use axum::http::HeaderValue;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Characters a token has at least: sixteen random bytes in hex.
const MIN_CHARS: usize = 32;

/// A bearer token, kept as its SHA-256.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// The token could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least {MIN_CHARS} characters, none of them white space")]
pub struct WeakToken;

impl Token {
    pub fn new(token: &str) -> Result<Self, WeakToken> {
        if token.chars().count() < MIN_CHARS || token.chars().any(char::is_whitespace) {
            return Err(WeakToken);
        }
        Ok(Self(Sha256::digest(token).into()))
    }

    /// Whether an `Authorization` header has it (RFC 6750, section 2.1). It takes as long for a token that is nearly right
    /// as for any other.
    pub fn admits(&self, authorization: Option<&HeaderValue>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|value| value.to_str().ok()?.split_once(' ')) else {
            return false;
        };
        let presented: [u8; 32] = Sha256::digest(token.trim()).into();
        scheme.eq_ignore_ascii_case("bearer") && bool::from(presented.ct_eq(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_let_in() {
        let secret = "0123456789abcdef0123456789abcdef";
        let token = Token::new(secret).unwrap();
        let admits = |header: &str| token.admits(Some(&HeaderValue::from_str(header).unwrap()));
        assert!(admits(&format!("Bearer {secret}")) && admits(&format!("bearer {secret}")));
        assert!(!admits(&format!("Basic {secret}")) && !admits(&format!("Bearer {secret}0")) && !admits(secret));
        assert!(!admits("Bearer ") && !token.admits(None));
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        assert!(Token::new("secret").is_err());
        assert!(Token::new(&"a b".repeat(20)).is_err());
    }
}
