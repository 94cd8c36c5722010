//! Text in lines of a readable width.

/// The words of `text` in lines of at most `width` bytes (a longer word has a line of its own), each behind `indent`.
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.len() + 1 + word.len() <= width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_the_width_and_lose_no_word() {
        let text = "one two three four  five\nsix averyveryverylongword";
        let lines = wrapped(text, 12, "  ");
        assert_eq!(lines, "  one two\n  three four\n  five six\n  averyveryverylongword");
        assert_eq!(wrapped("", 5, "  "), "");
    }
}
