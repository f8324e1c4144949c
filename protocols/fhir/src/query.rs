//! Query strings (`application/x-www-form-urlencoded`).

/// Pairs that one query may have: more than any search here means.
const MAX_PAIRS: usize = 64;

/// The names and values of a query, decoded; what is no UTF-8 has the replacement character.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(MAX_PAIRS);
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let hex = escaped.filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
        match (bytes[at], hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (b'+', _) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_undone() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs("patient=P%201&code=a%7Cb&&x"), [pair("patient", "P 1"), pair("code", "a|b"), pair("x", "")]);
        assert_eq!(pairs("a=1+2&b=%zz&c=%"), [pair("a", "1 2"), pair("b", "%zz"), pair("c", "%")]);
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "\\PC{0,40}") {
            prop_assert!(pairs(&query).len() <= MAX_PAIRS);
        }
    }
}
