//! What a terminal says late or by halves: no key behind it is lost for long, and Ctrl-C ends qviz whatever came before.

use std::time::Duration;

use crate::needs::network;
use crate::pane::Pane;
use crate::traces::Traces;

/// Answers to questions that another program may have asked, and beginnings without an end.
const LATE: [&[u8]; 7] = [
    b"\x1b[?2026;2$y",
    b"\x1b[<0;",
    b"\x1b[200~",
    b"\x1b]11;rgb:0000",
    b"\x1bP>|xterm",
    b"\x1b[?62;1;6c\x1b[12;40R",
    b"\xe7\x95",
];

case!(no_late_answer_makes_the_keys_dead);
fn no_late_answer_makes_the_keys_dead() {
    network();
    for late in LATE {
        let mut pane = Pane::qviz((80, 24), "--backlog 5 --rate 0 --arrivals steady");
        pane.wait_for_picture();
        let traces = Traces::of(pane.pid());
        pane.press(late);
        // Longer than a started sequence may take; nothing else tells that it was given up.
        let began = crate::lab::now();
        pane.wait("a moment", |_| began.elapsed() > Duration::from_millis(200));
        pane.press(b"q");
        assert_eq!(pane.end().code(), Some(0), "{late:?}");
        pane.assert_left_clean(&traces);
    }
}

case!(ctrl_c_ends_at_once_behind_any_late_answer);
fn ctrl_c_ends_at_once_behind_any_late_answer() {
    network();
    for late in LATE {
        let mut pane = Pane::qviz((80, 24), "--backlog 5 --rate 0 --arrivals steady");
        pane.wait_for_picture();
        pane.press(&[late, b"\x03"].concat());
        let code = pane.end().code();
        assert!(matches!(code, Some(0 | 130)), "{late:?}: {code:?}");
        assert!(pane.is_restored(), "{late:?}");
    }
}
