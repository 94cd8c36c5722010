//! Every way out: the terminal is as before, the summary is printed, the exit code is the documented one, nothing is left.

use std::time::Duration;

use pty_process::blocking::Command;
use rustix::process::Signal;

use crate::lab::wait_until;
use crate::needs::{had, network, program};
use crate::pane::Pane;
use crate::traces::{Traces, state};

/// Starts qviz, lets it go as told, and looks at what it leaves.
#[track_caller]
pub(crate) fn left(go: impl FnOnce(&mut Pane), code: i32) {
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    assert!(!pane.is_restored() && pane.reports_mouse(), "the picture has the terminal and the mouse");
    go(&mut pane);
    ended_well(&mut pane, &traces, code);
}

#[track_caller]
fn ended_well(pane: &mut Pane, traces: &Traces, code: i32) {
    let status = pane.end();
    let afterwards = pane.afterwards();
    assert_eq!(status.code(), Some(code), "{afterwards}");
    pane.assert_left_clean(traces);
    assert!(afterwards.contains("qviz · 198.51.100.1:8080"), "the summary begins below the picture: {afterwards}");
    assert!(afterwards.contains("CLIENTS") && afterwards.contains("Reproduce: qviz --backlog 5"), "{afterwards}");
    assert!(afterwards.contains("Balanced: every drop accounted for"), "the last facts are in it: {afterwards}");
    assert!(!afterwards.contains('\x1b') && !afterwards.contains("error"), "{afterwards}");
}

/// Starts qviz, stops it as told, continues it, and leaves.
#[track_caller]
pub(crate) fn stopped_and_continued(stop: impl FnOnce(&mut Pane)) {
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    stop(&mut pane);
    pane.wait("qviz stops", |pane| state(pane.pid()) == Some('T'));
    pane.wait("the terminal is as before while qviz is stopped", Pane::is_restored);
    pane.resize((120, 36));
    pane.signal(Signal::CONT);
    pane.wait_for_picture();
    pane.wait("the mouse is back", Pane::reports_mouse);
    pane.wait("the picture in its new size", |pane| {
        pane.text().lines().any(|line| line.trim_end().chars().count() == 120) && pane.text().contains("ACCEPT QUEUE")
    });
    assert!(pane.screen().hide_cursor() && !pane.is_restored(), "the picture has the terminal again");
    pane.press(b"q");
    ended_well(&mut pane, &traces, 0);
}

case!(each_signal_ends_the_run_after_its_summary_with_the_documented_code);
fn each_signal_ends_the_run_after_its_summary_with_the_documented_code() {
    network();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        left(|pane| pane.signal(signal), code);
    }
}

case!(signals_that_end_other_programs_at_once_end_this_one_after_its_summary);
fn signals_that_end_other_programs_at_once_end_this_one_after_its_summary() {
    network();
    let signals =
        [Signal::USR1, Signal::USR2, Signal::ALARM, Signal::VTALARM, Signal::XCPU, Signal::ABORT, Signal::PROF];
    for signal in signals {
        left(|pane| pane.signal(signal), 128 + signal.as_raw());
    }
}

case!(a_recording_beyond_the_shells_limit_of_file_sizes_ends_and_the_run_goes_on);
fn a_recording_beyond_the_shells_limit_of_file_sizes_ends_and_the_run_goes_on() {
    network();
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#"ulimit -f 8; exec "$0" --backlog 5 --record "$1""#;
    let shell = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_qviz")]).arg(folder.path().join("run.qviz"));
    let mut pane = Pane::start((120, 36), Pane::environment(shell));
    pane.wait_for("REC failed");
    let traces = Traces::of(pane.pid());
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(1), "the recording is not whole");
    pane.assert_left_clean(&traces);
    assert!(pane.afterwards().contains("File too large"), "{}", pane.afterwards());
}

case!(a_replay_whose_terminal_closes_ends_as_by_sighup);
fn a_replay_whose_terminal_closes_ends_as_by_sighup() {
    let recordings = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/recordings");
    for kind in ["queues", "flood"] {
        let mut pane = Pane::qviz((120, 36), &format!("replay {recordings}/{kind}.qviz"));
        pane.wait_for("replay 1×");
        pane.close();
        assert_eq!(pane.end().code(), Some(129), "{kind}");
    }
}

case!(a_dumb_terminal_gets_words_and_no_picture);
fn a_dumb_terminal_gets_words_and_no_picture() {
    network();
    let mut pane = Pane::start((80, 24), Pane::command("--backlog 5 --duration 1s").env("TERM", "dumb"));
    assert_eq!(pane.end().code(), Some(0));
    let said = String::from_utf8_lossy(pane.seen()).into_owned();
    assert!(!said.contains('\x1b') && said.contains("CLIENTS"), "{said}");
}

case!(the_summary_after_a_signal_has_the_last_facts_too);
fn the_summary_after_a_signal_has_the_last_facts_too() {
    network();
    // So many drops that counters and ledger agree only after a last look at both.
    let mut pane = Pane::qviz((80, 24), "--backlog 1 --rate 500 --accept-rate 1");
    pane.wait_for("dropped");
    pane.wait("drops", |pane| {
        let text = pane.text();
        let sum = text.split("SILENT DROPS").nth(1).and_then(|after| after.split(" packets").next());
        sum.and_then(|sum| sum.rsplit(' ').next()?.parse::<u64>().ok()).is_some_and(|drops| drops > 100)
    });
    let traces = Traces::of(pane.pid());
    pane.signal(Signal::TERM);
    assert_eq!(pane.end().code(), Some(143));
    pane.assert_left_clean(&traces);
    let summary = pane.afterwards();
    assert!(summary.contains("Balanced: every drop accounted for"), "{summary}");
}

case!(a_run_that_ends_by_itself_leaves_the_terminal_too);
fn a_run_that_ends_by_itself_leaves_the_terminal_too() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5 --duration 2s");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    ended_well(&mut pane, &traces, 0);
}

case!(a_stop_from_outside_is_like_ctrl_z);
fn a_stop_from_outside_is_like_ctrl_z() {
    network();
    stopped_and_continued(|pane| pane.signal(Signal::TSTP));
}

case!(a_signal_between_stop_and_continue_ends_the_run);
fn a_signal_between_stop_and_continue_ends_the_run() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.press(b"\x1a");
    pane.wait("qviz stops", |pane| state(pane.pid()) == Some('T'));
    pane.signal(Signal::TERM);
    pane.signal(Signal::CONT);
    ended_well(&mut pane, &traces, 143);
}

case!(signals_that_come_together_end_the_run_once);
fn signals_that_come_together_end_the_run_once() {
    network();
    left(
        |pane| {
            for _ in 0..20 {
                pane.press(b"\x1b[C b");
            }
            // Together: neither is taken before both have come. A second one that comes later ends the wait for the last facts.
            pane.signal(Signal::STOP);
            pane.wait("qviz stops", |pane| state(pane.pid()) == Some('T'));
            pane.signal(Signal::TERM);
            pane.signal(Signal::TERM);
            pane.signal(Signal::CONT);
        },
        143,
    );
}

case!(a_terminal_that_closes_ends_the_program);
fn a_terminal_that_closes_ends_the_program() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.close();
    assert_eq!(pane.end().code(), Some(129));
    traces.assert_gone();
}

case!(a_terminal_that_closes_while_the_program_is_stopped_ends_it);
fn a_terminal_that_closes_while_the_program_is_stopped_ends_it() {
    network();
    let mut pane = Pane::qviz((80, 24), "--backlog 5");
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.press(b"\x1a");
    pane.wait("qviz stops", |pane| state(pane.pid()) == Some('T'));
    // The kernel hangs up, and continues whom it has told so.
    pane.close();
    assert_eq!(pane.end().code(), Some(129));
    traces.assert_gone();
}

case!(a_terminal_that_closes_ends_the_program_even_if_nobody_sends_it_sighup);
fn a_terminal_that_closes_ends_the_program_even_if_nobody_sends_it_sighup() {
    network();
    // The shell leads the session, so it alone is told of the end, and it does not care.
    let folder = tempfile::tempdir().expect("a folder");
    let code = folder.path().join("code");
    let script = r#"trap "" HUP; "$0" --backlog 5; echo $? >"$1""#;
    let shell = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_qviz")]).arg(&code);
    let mut pane = Pane::start((80, 24), Pane::environment(shell));
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.close();
    let code = wait_until(Duration::from_secs(5), "the exit code of qviz", || {
        std::fs::read_to_string(&code).ok().filter(|code| code.ends_with('\n'))
    });
    assert_eq!(code, "129\n");
    pane.end();
    traces.assert_gone();
}

case!(without_a_terminal_for_keys_the_controlling_one_is_used_and_without_that_one_it_is_an_error);
fn without_a_terminal_for_keys_the_controlling_one_is_used_and_without_that_one_it_is_an_error() {
    network();
    let mut pane = Pane::start((80, 24), Pane::command("--backlog 5").stdin(std::process::Stdio::null()));
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.press(b"q");
    ended_well(&mut pane, &traces, 0);

    let alone = Command::new(had(program("setsid"))).args(["--wait", env!("CARGO_BIN_EXE_qviz"), "--backlog", "5"]);
    let mut pane = Pane::start((80, 24), Pane::environment(alone).stdin(std::process::Stdio::null()));
    let status = pane.end();
    let said = String::from_utf8_lossy(pane.seen()).into_owned();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("stdin is not a terminal") && said.contains("try: qviz --headless"), "{said}");
    assert!(!said.contains('\x1b') && pane.is_restored(), "{said}");
}
