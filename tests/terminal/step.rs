//! Step mode on the real kernel: one key, one thing, and `ss` sees each of them.

use crate::lab;
use crate::lab::{nstat, ss_listener, wait_until};
use crate::needs::network;
use crate::pane::{Pane, SOON};

case!(a_handshake_and_an_accept_happen_one_key_at_a_time);
fn a_handshake_and_an_accept_happen_one_key_at_a_time() {
    network();
    let mut pane = Pane::qviz((160, 60), "--backlog 5 --rate 0 --arrivals steady");
    pane.wait_for_picture();
    let pid = pane.pid();
    pane.press(b"t");
    pane.wait_for("client time paused · kernel timers run");
    // Arrivals begin, but their time does not run.
    pane.press(b"\x1b[A");
    pane.wait_for("0.5/s");
    next(&mut pane, "SYN leaves the client");
    assert_eq!(nstat(pid)["TcpInSegs"], 0, "it is under way, the kernel has seen nothing");
    next(&mut pane, "SYN reaches the listener");
    assert_queues(pid, 1, 0);
    // The kernel's own time runs: it repeats its SYN-ACK, and nobody answers.
    wait_until(SOON, "a repeated SYN-ACK", || (nstat(pid)["TcpExtTCPSynRetrans"] > 0).then_some(()));
    assert_eq!(nstat(pid)["TcpInSegs"], 1, "nothing but the SYN has come in");
    next(&mut pane, "SYN-ACK reaches the client");
    assert_queues(pid, 1, 0);
    // Repeated SYN-ACKs come back, too, before the ACK has gone the same way.
    while !next_is(&mut pane, "ACK reaches the listener") {
        assert_queues(pid, 1, 0);
    }
    assert_queues(pid, 0, 1);
    next(&mut pane, "one accept()");
    assert_queues(pid, 0, 0);
    pane.press(b"t");
    pane.wait_for("▶ live");
    wait_until(SOON, "the second client comes by itself", || (nstat(pid)["TcpPassiveOpens"] > 1).then_some(()));
    pane.press(b"q");
    assert!(pane.end().success());
}

case!(one_accept_takes_one_although_accept_is_paused);
fn one_accept_takes_one_although_accept_is_paused() {
    network();
    let mut pane = Pane::qviz((120, 36), "--backlog 5 --rate 100 --arrivals steady --count 3 --accept-rate 0");
    pane.wait_for_picture();
    let pid = pane.pid();
    for left in [3, 2, 1] {
        wait_until(SOON, "the queue that is left", || {
            pane.read();
            (ss_listener(pid, 8080)?.0 == left).then_some(())
        });
        pane.press(b"a");
    }
    wait_until(SOON, "an empty queue", || {
        pane.read();
        (ss_listener(pid, 8080).is_none_or(|(depth, _)| depth == 0)).then_some(())
    });
}

case!(the_frames_of_real_clients_are_held_and_the_screen_says_that_their_timers_run);
fn the_frames_of_real_clients_are_held_and_the_screen_says_that_their_timers_run() {
    network();
    let mut pane = Pane::qviz((200, 60), "--backlog 5 --client connect --rate 0 --arrivals steady --count 1");
    pane.wait_for_picture();
    let pid = pane.pid();
    pane.press(b"t");
    pane.wait_for("the timers of both kernels run on");
    pane.press(b"\x1b[A");
    pane.wait_for("0.5/s");
    // The client's kernel repeats its SYN, as a witness in its own namespace sees, and nothing of it has arrived.
    let clients = lab::thread(pid, "clients");
    wait_until(SOON, "a repeated SYN", || {
        pane.read();
        (nstat(clients)["TcpExtTCPSynRetrans"] > 0).then_some(())
    });
    assert_eq!(nstat(pid)["TcpInSegs"], 0);
    next(&mut pane, "SYN reaches the listener");
    assert_queues(pid, 1, 0);
    pane.press(b"q");
    assert!(pane.end().success());
}

case!(in_a_replay_a_key_goes_to_the_next_drop_and_stands_there);
fn in_a_replay_a_key_goes_to_the_next_drop_and_stands_there() {
    let recording = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recordings/overflow.qviz");
    let mut pane = Pane::start((120, 36), Pane::command(&format!("replay {}", recording.display())));
    pane.wait_for("ACCEPT QUEUE");
    pane.press(b">");
    pane.wait_for("1 packet ");
    pane.press(b">");
    pane.wait("one more drop, and a pause", |pane| {
        pane.text().contains("2 packets") && pane.text().contains("‖ replay")
    });
    pane.press(b"q");
    assert!(pane.end().success());
}

/// Lets one thing happen, which has to be this one.
#[track_caller]
fn next(pane: &mut Pane, what: &str) {
    assert!(next_is(pane, what), "{what}:\n{}", pane.text());
}

/// Lets one thing happen; whether it is this one.
#[track_caller]
pub(crate) fn next_is(pane: &mut Pane, what: &str) -> bool {
    let before = step_rows(pane).len();
    pane.press(b"n");
    pane.wait("one more thing", |pane| step_rows(pane).len() > before);
    let told = step_rows(pane);
    assert_eq!(told.len(), before + 1, "one thing, not several: {told:#?}");
    // The newest stands first; a repeated SYN-ACK begins with the same letters as an ACK.
    told[0].contains(&format!(": {what}"))
}

/// The rows of things that were let happen, the newest first.
fn step_rows(pane: &Pane) -> Vec<String> {
    let rows = pane.screen().rows(0, u16::MAX);
    rows.filter(|row| row.contains("│") && row.contains("‖ ") && row.contains(": ")).collect()
}

/// What `ss` sees at the listener: half-open requests and connections that wait for `accept()`.
#[track_caller]
fn assert_queues(pid: u32, half_open: usize, waiting: u32) {
    let mut ss = lab::nsenter(pid, ["ss", "-tanH", "state", "syn-recv", "sport = :8080"]);
    let output = ss.output().expect("ss runs");
    let requests = String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.trim().is_empty()).count();
    let (queued, _) = ss_listener(pid, 8080).unwrap_or_else(|| panic!("nothing listens"));
    assert_eq!((requests, queued), (half_open, waiting), "half-open, waiting");
}
