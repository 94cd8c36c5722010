//! Keys, clicks, and what is none.

use proptest::prelude::*;

use super::*;

/// The keys of some bytes that come together, and then nothing.
fn keys(bytes: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::default();
    let mut inputs = decoder.decode(bytes);
    inputs.extend(decoder.give_up());
    inputs.iter().map(told).collect()
}

fn told(input: &Input) -> String {
    match input {
        Input::Key(key) if key.modifiers.is_empty() => format!("{:?}", key.code),
        Input::Key(key) => format!("{:?}+{:?}", key.modifiers, key.code),
        Input::Mouse(mouse) => format!("{:?} at {},{}", mouse.kind, mouse.column, mouse.row),
    }
}

#[test]
fn keys_are_what_terminals_send_for_them() {
    for (bytes, said) in [
        (&b"q"[..], "Char('q')"),
        (b"\x1b", "Esc"),
        (b"\r", "Enter"),
        (b"\t", "Tab"),
        (b"\x7f", "Backspace"),
        (b"\x1b[Z", "KeyModifiers(SHIFT)+BackTab"),
        (b"\x1b[A", "Up"),
        (b"\x1bOB", "Down"),
        (b"\x1b[1;2C", "KeyModifiers(SHIFT)+Right"),
        (b"\x1b[1;5D", "KeyModifiers(CONTROL)+Left"),
        (b"\x1b[5~", "PageUp"),
        (b"\x1b[6~", "PageDown"),
        (b"\x1b[H", "Home"),
        (b"\x1b[4~", "End"),
        (b"\x1bOP", "F(1)"),
        (b"\x1a", "KeyModifiers(CONTROL)+Char('z')"),
        (b"\x1bx", "KeyModifiers(ALT)+Char('x')"),
        ("界".as_bytes(), "Char('界')"),
        (b"\x1b[<0;3;4M", "Down(Left) at 2,3"),
        (b"\x1b[<64;3;4M", "ScrollUp at 2,3"),
        (b"\x1b[<65;300;4M", "ScrollDown at 299,3"),
    ] {
        assert_eq!(keys(bytes), [said], "{bytes:?}");
    }
}

#[test]
fn answers_of_a_terminal_and_pasted_text_are_no_keys() {
    for bytes in [
        &b"\x1b[?2026;2$y"[..],
        b"\x1b[?62;1;6c",
        b"\x1b[12;40R",
        b"\x1b]11;rgb:0000/0000/0000\x07",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1bP>|xterm(388)\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[I",
        b"\x1b[M !!",
        b"\x1b[<0;0;0M",
        b"\x1b[<99999999999;1;1M",
        b"\xff\xfe",
        b"\x1b[200~qqq\x1b[A q\x1b[201~",
    ] {
        assert_eq!(keys(bytes), Vec::<String>::new(), "{bytes:?}");
    }
    assert_eq!(keys(b"\x1b[?2026;2$yq"), ["Char('q')"]);
    assert_eq!(keys(b"\x1b[200~q\x1b[201~p"), ["Char('p')"]);
}

#[test]
fn a_started_sequence_that_does_not_end_is_given_up() {
    for started in ["\x1b[<0;", "\x1b[200~", "\x1b[200~half", "\x1b]11;rgb", "\x1bP", "\x1b[", "\x1bO", "\u{754c}"] {
        let mut decoder = Decoder::default();
        let bytes = started.as_bytes();
        // A letter of several bytes is cut in its middle.
        let bytes = if bytes[0] == ESC { bytes } else { &bytes[..2] };
        assert!(decoder.decode(bytes).is_empty() && decoder.is_within(), "{started:?}");
        assert!(decoder.give_up().is_none() && !decoder.is_within(), "{started:?}");
        assert_eq!(decoder.decode(b"q").iter().map(told).collect::<Vec<_>>(), ["Char('q')"], "{started:?}");
    }
}

#[test]
fn a_sequence_in_pieces_is_one_key() {
    let mut decoder = Decoder::default();
    assert!(decoder.decode(b"\x1b[").is_empty() && decoder.decode(b"1;").is_empty());
    assert_eq!(decoder.decode(b"2C").iter().map(told).collect::<Vec<_>>(), ["KeyModifiers(SHIFT)+Right"]);
}

proptest! {
    #[test]
    fn ctrl_c_is_heard_behind_any_bytes(before in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::default();
        decoder.decode(&before);
        let heard = decoder.decode(&[CTRL_C]);
        prop_assert_eq!(heard.iter().map(told).collect::<Vec<_>>(), ["KeyModifiers(CONTROL)+Char('c')"]);
        prop_assert!(!decoder.is_within());
    }

    #[test]
    fn what_was_started_is_never_kept_for_long(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut decoder = Decoder::default();
        decoder.decode(&bytes);
        prop_assert!(decoder.started.len() < LONGEST);
    }
}
