//! A terminal that nobody reads (Ctrl-S, an ssh connection that hangs) holds up neither the run nor its end.

use rustix::process::Signal;
use rustix::termios::Action;

use crate::needs::network;
use crate::pane::Pane;
use crate::traces::Traces;

/// qviz with its picture in a terminal whose other end takes nothing more.
#[track_caller]
fn stalled(stall: impl FnOnce(&mut Pane)) -> (Pane, Traces) {
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    stall(&mut pane);
    pane.wait_until_stuck();
    (pane, traces)
}

#[track_caller]
fn ends_all_the_same(stall: impl Fn(&mut Pane)) {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (mut pane, traces) = stalled(&stall);
        pane.signal(signal);
        assert_eq!(pane.end_unread().code(), Some(code));
        pane.read();
        pane.assert_left_clean(&traces);
    }
}

case!(a_signal_ends_the_run_although_nobody_reads_the_terminal);
fn a_signal_ends_the_run_although_nobody_reads_the_terminal() {
    network();
    ends_all_the_same(Pane::fill);
}

case!(a_signal_ends_the_run_although_the_terminals_output_is_stopped);
fn a_signal_ends_the_run_although_the_terminals_output_is_stopped() {
    network();
    ends_all_the_same(|pane| pane.flow(Action::OOff));
}

case!(a_key_ends_the_run_although_nobody_reads_the_terminal);
fn a_key_ends_the_run_although_nobody_reads_the_terminal() {
    network();
    let (mut pane, traces) = stalled(Pane::fill);
    pane.press(b"q");
    assert_eq!(pane.end_unread().code(), Some(0));
    pane.read();
    pane.assert_left_clean(&traces);
    let text = pane.afterwards();
    assert!(
        text.contains("Reproduce: qviz --backlog 5"),
        "what was in the way is thrown away, the summary is not: {text}"
    );
}

case!(a_terminal_that_is_read_again_shows_the_present_and_not_what_it_missed);
fn a_terminal_that_is_read_again_shows_the_present_and_not_what_it_missed() {
    network();
    let (mut pane, traces) = stalled(|pane| pane.flow(Action::OOff));
    // Keys count although nobody sees it; each would have made a frame.
    for _ in 0..50 {
        pane.press(b"??");
    }
    pane.press(b"\x1b[C\x1b[C");
    pane.flow(Action::OOn);
    pane.wait_for("listen(7)");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
    pane.assert_left_clean(&traces);
}
