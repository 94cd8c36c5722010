//! Tests of `cli::examples`.

use qviz::cli::examples::{long, of, parts, short};
use qviz::text::lang::{Lang, within};

/// Options, and words with a digit: values, addresses, files, exit codes.
fn fixed(text: &str) -> Vec<&str> {
    let words = text.split(|letter: char| letter.is_whitespace() || !letter.is_ascii());
    let words = words.map(|word| word.trim_matches(|letter: char| letter.is_ascii_punctuation() && letter != '-'));
    let mut fixed: Vec<_> =
        words.filter(|word| word.starts_with("--") || word.bytes().any(|byte| byte.is_ascii_digit())).collect();
    fixed.sort_unstable();
    fixed
}

#[test]
fn the_parts_differ_and_a_command_finds_its_examples() {
    for lang in [Lang::English, Lang::Chinese] {
        within(lang, || {
            let [examples, values, terminal, exit] = parts();
            assert_eq!(examples.len() % 2, 0, "each example has a line that explains it");
            assert!(values[0].contains("1m30s") && terminal.len() >= 2 && exit[0].trim().starts_with('0'));
            assert!(
                of(Some("watch")).len() >= 4
                    && of(Some("watch")).iter().all(|(line, _)| line.starts_with("qviz watch"))
            );
            assert_eq!(of(None).len() * 2, examples.len());
        });
    }
}

#[test]
fn both_languages_show_the_same_options_values_and_exit_codes() {
    for text in [short, long] {
        let (english, chinese) = (within(Lang::English, text), within(Lang::Chinese, text));
        assert!(fixed(english).len() >= 10, "{english}");
        assert_eq!(fixed(english), fixed(chinese));
    }
}
