//! Text as a terminal shows it.

/// A text without the sequences that colour it on a terminal (ECMA-48, section 8.3.117), which some scanners put between a name and
/// what it is set to; and where each byte of it was. None if there are no such.
pub(super) fn without_colours(text: &str) -> Option<(String, Vec<usize>)> {
    let (mut plain, mut places, mut from) = (String::new(), Vec::new(), 0);
    for (at, _) in text.match_indices("\u{1b}[") {
        let parameters = text[at + 2..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
        let end = at + 2 + parameters;
        if at >= from && text.as_bytes().get(end) == Some(&b'm') {
            plain.push_str(&text[from..at]);
            places.extend(from..at);
            from = end + 1;
        }
    }
    if from == 0 {
        return None;
    }
    plain.push_str(&text[from..]);
    places.extend(from..text.len());
    Some((plain, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_colour_stays() {
        let (plain, places) = without_colours("a\u{1b}[1;31mb\u{1b}[2Jc\u{1b}[mé\u{1b}[0").unwrap();
        assert_eq!(plain, "ab\u{1b}[2Jcé\u{1b}[0");
        assert_eq!((places.len(), places[..3].to_vec()), (plain.len(), vec![0, 8, 9]));
        assert!(without_colours("\u{1b}[2J plain").is_none() && without_colours("").is_none());
    }
}
