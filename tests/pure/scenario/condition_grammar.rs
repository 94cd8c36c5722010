//! Tests of `scenario::condition::grammar`.

use qviz::scenario::condition::{Condition, Expression};

#[test]
fn what_is_wrong_is_reported_with_its_place() {
    for (text, at, words) in [
        ("", 0, "value is missing"),
        ("six ==", 6, "value is missing"),
        ("six + 1", 0, "compare it"),
        ("six == 6 and 2", 9, "joins conditions"),
        ("1 <= six <= 7", 9, "join conditions with `and`"),
        ("(six == 6", 0, "not closed"),
        ("six == 6)", 8, "no place here"),
        ("six six", 4, "no place here"),
        ("six == * 2", 7, "before `*`"),
        ("six == 2x", 7, "no number"),
        ("sux == 2", 0, "who is sux"),
    ] {
        let naming = |word: &str| if word == "six" { Ok(()) } else { Err(format!("who is {word}")) };
        let fault = Condition::parse(text, &naming).unwrap_err();
        assert_eq!(fault.at, at, "{text}: {fault:?}");
        assert!(fault.message.contains(words), "{text}: {fault:?}");
    }
    assert!(Expression::parse("1 == 1", &|_| Ok(())).is_err());
}
