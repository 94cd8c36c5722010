//! A line for the terminal's clipboard: OSC 52 with the text in base64 (RFC 4648).

/// The control sequence that puts `line` there.
pub(super) fn osc_52(line: &str) -> Vec<u8> {
    let mut bytes = b"\x1b]52;c;".to_vec();
    for three in line.as_bytes().chunks(3) {
        let group =
            three.iter().enumerate().fold(0_u32, |group, (place, byte)| group | u32::from(*byte) << (16 - 8 * place));
        let letter = |place: usize| LETTERS[(group >> (18 - 6 * place)) as usize & 63];
        bytes.extend((0..=three.len()).map(letter));
        bytes.extend(std::iter::repeat_n(b'=', 3 - three.len()));
    }
    bytes.push(b'\x07');
    bytes
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_in_base64() {
        for (line, written) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("kill -CONT 7", "a2lsbCAtQ09OVCA3")]
        {
            assert_eq!(osc_52(line), format!("\x1b]52;c;{written}\x07").into_bytes());
        }
    }
}
