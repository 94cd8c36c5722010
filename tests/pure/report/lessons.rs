//! Tests of `report::lessons`.

use std::collections::BTreeMap;

use qviz::report::lessons::{Checked, LessonsDocument, Measured, Numbers, Played};

#[test]
fn numbers_are_written_as_short_as_they_are_and_read_back() {
    let checked = |measured| Checked { what: "w".into(), expected: "e".into(), measured, passed: true };
    let several = Numbers(BTreeMap::from([("a".to_owned(), Some(0.1 + 0.2)), ("b".to_owned(), None)]));
    for (measured, text) in [
        (Measured::One(Some(6.0)), "6"),
        (Measured::One(Some(1.5)), "1.5"),
        (Measured::One(None), "null"),
        (Measured::Several(several), r#"{"a":0.3,"b":null}"#),
    ] {
        let written = serde_json::to_string(&checked(measured)).unwrap();
        assert!(written.contains(&format!("\"measured\":{text}")), "{written}");
        let read: Checked = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
    }
}

#[test]
fn the_counts_are_those_of_the_lessons() {
    let played = |passed| Played { passed, ..Played::default() };
    let lessons = vec![played(Some(true)), played(None), played(Some(false)), played(Some(true))];
    let document = LessonsDocument::new(None, 1.0, lessons, Vec::new());
    assert_eq!((document.passed, document.failed, document.skipped), (2, 1, 1));
}
