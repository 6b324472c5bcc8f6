//! The text of a file with its name.

use super::lines::Lines;
use super::tree::{Pos, Span};
use crate::diag::{Diagnostic, Diagnostics};

/// The largest file accepted, in bytes (1 MiB): far above any hand-written stack, small enough to bound time and memory.
pub const MAX_BYTES: usize = 1 << 20;

/// A file to read: its name, for messages only, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name shown in messages, usually the path given on the command line.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
}

impl Source {
    /// A source from text. A byte order mark at the beginning is dropped.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Self { name: name.into(), text }
    }

    /// A source from the bytes of a file. A byte order mark at the beginning is dropped.
    ///
    /// # Errors
    ///
    /// A file that is too large, or the place of the first byte that is not UTF-8.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, Diagnostics> {
        if let Some(problem) = too_large(bytes.len()) {
            return Err(Diagnostics::from(problem));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(Diagnostics::from(
                // Without a place: its lines are not to be read either.
                Diagnostic::error("yaml-encoding", "the file is stored as UTF-16")
                    .help("save it as UTF-8 in your editor"),
            ));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { name: name.into(), text: text.to_owned() }),
            Err(error) => {
                let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
                Err(Diagnostics::from(
                    Diagnostic::error("yaml-encoding", format!("byte 0x{bad:02x} is not valid UTF-8 text"))
                        .at(Span::point(Lines::new(&good).end()))
                        .help("save the file as UTF-8 in your editor"),
                ))
            }
        }
    }
}

/// The refusal of a file of `bytes` bytes, if that is too many.
pub(super) fn too_large(bytes: usize) -> Option<Diagnostic> {
    (bytes > MAX_BYTES).then(|| {
        Diagnostic::error(
            "yaml-too-large",
            format!("the file has {bytes} bytes; the limit is {MAX_BYTES} bytes (1 MiB)"),
        )
        .at(Span::point(Pos::START))
        .help("is this really a stack file?")
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn refusal(bytes: &[u8]) -> (Pos, String) {
        let problems = Source::from_bytes("stack.yaml", bytes).unwrap_err();
        let problem = problems.iter().next().unwrap();
        (problem.span.unwrap().start, problem.message.clone())
    }

    #[test]
    fn the_first_bad_byte_is_located_in_characters() {
        let (at, message) =
            refusal("a: 1\nb: 日本\u{a0}".as_bytes().iter().chain(b"\xff: x").copied().collect::<Vec<_>>().as_slice());
        assert_eq!((at.line, at.col), (2, 7));
        assert_eq!(message, "byte 0xff is not valid UTF-8 text");
        let (at, _) = refusal(b"a: 1\r\nb: \xe6\x97");
        assert_eq!((at.line, at.col), (2, 4));
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_utf16_is_named() {
        assert_eq!(Source::from_bytes("s", b"\xef\xbb\xbfa: 1").unwrap().text, "a: 1");
        assert_eq!(Source::new("s", "\u{feff}a: 1").text, "a: 1");
        for bytes in [b"\xff\xfea\0", b"\xfe\xff\0a"] {
            let shown =
                Source::from_bytes("s", bytes).unwrap_err().render(&Source::new("s", String::from_utf8_lossy(bytes)));
            assert_eq!(shown, "s: error: the file is stored as UTF-16\n  = help: save it as UTF-8 in your editor\n");
        }
    }

    #[test]
    fn one_mebibyte_is_the_limit() {
        assert!(Source::from_bytes("s", &vec![b'#'; MAX_BYTES]).is_ok());
        assert!(refusal(&vec![b'#'; MAX_BYTES + 1]).1.contains("1048577 bytes"));
    }
}
