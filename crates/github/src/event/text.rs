//! JSON as people paste it: one object of a longer list, a comma behind it, an arrow with a remark in it.

/// The text without what is not JSON: remarks from `<--` to the end of a line, outside of strings, and everything around the
/// outermost object or list.
pub(super) fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !quoted
            && (rest.starts_with("<-") || rest.starts_with("//") || rest.starts_with('#') || rest.starts_with('←'))
        {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            match c {
                '"' => quoted = depth > 0,
                '{' | '[' => depth += 1,
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        out.push(c);
                        break;
                    }
                }
                _ => {}
            }
        }
        if depth > 0 {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn what_people_paste() {
        assert_eq!(cleaned("x: {\"a\": \"<-- no # // remark\"}, {\"b\": 1}"), "{\"a\": \"<-- no # // remark\"}");
        assert_eq!(cleaned("{\"a\": 1,  <-- here\n\"b\": \"\\\"}\"},\n").replace(' ', ""), "{\"a\":1,\"b\":\"\\\"}\"}");
        assert_eq!(cleaned("none"), "");
    }
}
