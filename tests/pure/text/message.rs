//! Tests of `text::message`.

use qviz::model::message::Message;
use qviz::say;
use qviz::text::errno::describe_errno;
use qviz::text::lang::{Lang, within};
use rustix::io::Errno;

fn chinese<T>(work: impl FnOnce() -> T) -> T {
    within(Lang::Chinese, work)
}

#[test]
fn what_was_said_in_one_language_is_read_in_the_other() {
    let words = || {
        say!("{operation}: {source}", operation = "bind()", source = describe_errno(Errno::ADDRINUSE.raw_os_error()))
    };
    let kept = chinese(|| Message::of(words));
    assert_eq!(kept.to_string(), words());
    assert_eq!(chinese(|| kept.to_string()), chinese(words));
    assert_ne!(words(), chinese(words));
    assert_eq!(kept, Message::of(words));
}

#[test]
fn sentences_in_holes_and_beside_each_other_keep_their_keys() {
    let words = || format!("3 × {}", say!("waited in vain for {what}", what = say!("end of file")));
    let kept = Message::of(words);
    assert_eq!((kept.to_string(), chinese(|| kept.to_string())), (words(), chinese(words)));
    assert_eq!(
        serde_json::to_value(&kept).unwrap(),
        serde_json::json!(["3 × ", {"say": "waited in vain for {what}", "with": {"what": {"say": "end of file"}}}])
    );
    let read: Message = serde_json::from_value(serde_json::to_value(&kept).unwrap()).unwrap();
    assert_eq!(read, kept);
}

#[test]
fn a_sentence_of_an_older_recording_stands_as_it_is() {
    let read: Message = serde_json::from_str("\"the trial {x} failed\"").unwrap();
    assert_eq!(read.to_string(), "the trial {x} failed");
    assert_eq!(chinese(|| read.rendered()), read);
}

#[test]
fn a_value_with_our_marks_in_it_breaks_no_more_than_its_own_sentence() {
    for name in ["a\u{fdd4}b", "\u{fdd0}", "\u{fdd1}x\u{fdd2}y", "\u{fdd3}no number"] {
        let kept = Message::of(|| format!("{} end", say!("waited in vain for {what}", what = name)));
        assert!(kept.to_string().starts_with("waited in vain for "), "{name:?}: {kept}");
    }
}
