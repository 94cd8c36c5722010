//! Trials on the real kernel: each in a private network and a process of its own, as an ordinary user and as root, and what it
//! measured is compared with what this kernel is known to do. Nothing of it may be left behind.
//!
//! `cargo test --test trials [FILTER]`. Where the lab cannot be had, a case is ignored with the reason, or fails if
//! QVIZ_REQUIRE_LAB=1.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the case's process")]

#[path = "trials/binding.rs"]
mod binding;
#[path = "trials/connecting.rs"]
mod connecting;
#[expect(
    dead_code,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "shared with tests/namespace.rs, which uses all of it"
)]
#[path = "namespace/harness.rs"]
mod harness;
#[path = "support/lab.rs"]
mod lab;
#[path = "trials/stage.rs"]
mod stage;

use std::process::ExitCode;

use binding::*;
use connecting::*;
use harness::{Case, Ignored, Who};
use qviz::lab::trial::child;
use qviz::model::settings::Sysctl;
use qviz::model::trial::Trial;
use rustix::process::{Resource, getrlimit};
use stage::{Asked, facts_of, facts_with};

/// Each case twice: as an ordinary user, and as root.
macro_rules! cases {
    ($($claim:ident),+ $(,)?) => {
        &[$((stringify!($claim), Who::User, $claim), (stringify!($claim), Who::Root, $claim)),+]
    };
}

const CASES: &[Case] = cases![
    trials_are_carried_out_one_after_the_other,
    a_trial_under_way_ends_with_its_session,
    accept_takes_the_first_that_came,
    accept_on_an_empty_queue_sleeps_or_says_eagain,
    a_full_queue_meets_every_syn_with_silence,
    a_long_retry_schedule_ends_with_its_session,
    each_of_three_causes_sends_an_rst,
    an_unreachable_host_ends_an_attempt_and_not_a_connection,
    a_failed_socket_connects_all_the_same,
    a_connect_that_does_not_wait_ends_when_the_answer_comes,
    new_sockets_and_growing_pauses_survive_a_late_server,
    every_errno_of_connect_comes_from_its_cause,
    the_kernel_chooses_what_bind_left_open,
    a_second_bind_needs_the_consent_of_the_first,
    an_unbound_listener_gets_a_port_and_hears_everybody,
    sockets_without_connections_do_not_listen,
    a_request_its_child_and_the_accepted_socket_are_one_and_queue_by_completion,
    without_requests_nothing_moves,
    a_limit_is_the_backlog_under_the_ceiling_of_the_last_listen,
    an_accepted_socket_has_the_listeners_options_and_none_of_its_flags,
    both_ends_go_through_the_states_of_the_textbook,
    with_cookies_always_there_is_no_syn_rcvd,
    a_unix_socket_holds_backlog_plus_one_and_tells_the_next,
    a_unix_sockets_backlog_stands_under_the_ceiling_too,
    each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own,
    the_ceiling_holds_for_each_listener_of_a_shared_port,
    a_deferred_accept_queues_nothing_before_data,
    cookies_do_not_defer,
    a_connection_ends_with_its_last_close_or_with_shutdown,
    a_server_that_forgets_close_runs_out_of_descriptors_and_ends_nobody,
];

fn main() -> ExitCode {
    child::play(std::env::args().skip(1)).unwrap_or_else(|| harness::run(CASES))
}

fn trials_are_carried_out_one_after_the_other() -> Result<(), Ignored> {
    let order = [Trial::AcceptBlocks, Trial::AcceptFifo, Trial::AcceptBlocks];
    let told = stage::told_by(&Asked { trials: &order, ..Asked::default() })?;
    let begins: Vec<_> = told.begun.iter().map(|(trial, _)| *trial).collect();
    assert_eq!((begins, told.trials.done, &told.trials.failed), (order.to_vec(), 3, &None));
    for ((_, end), (_, begin)) in told.ended.iter().zip(&told.begun[1..]) {
        assert!(begin >= end, "a trial began at {begin}, before the one before had ended at {end}");
    }
    Ok(())
}

fn a_trial_under_way_ends_with_its_session() -> Result<(), Ignored> {
    let told = stage::told_by(&Asked {
        trials: &[Trial::AcceptBlocks, Trial::AcceptFifo],
        hurried: true,
        ..Asked::default()
    })?;
    assert_eq!(told.ended.len(), 1, "the one that waited never began: {:?}", told.begun);
    assert_eq!(told.trials.failed.as_deref(), Some("it was stopped"));
    Ok(())
}

fn accept_takes_the_first_that_came() -> Result<(), Ignored> {
    let told = facts_of(Trial::AcceptFifo)?;
    assert_eq!((told["fifo-clients"], told["fifo-in-turn"]), (6.0, 6.0), "{:?}", told.trials.lines);
    assert_eq!(told.calls("accept()"), 6);
    Ok(())
}

fn accept_on_an_empty_queue_sleeps_or_says_eagain() -> Result<(), Ignored> {
    let told = facts_of(Trial::AcceptBlocks)?;
    assert_eq!((told["nonblocking-errno"], told["nonblocking-eagain"], told["blocking-sleeps"]), (11.0, 1.0, 1.0));
    assert_eq!(told["blocking-woken"], 1.0);
    assert!(told["blocking-slept-ms"] >= 400.0 && told["blocking-woke-ms"] < told["blocking-slept-ms"]);
    Ok(())
}

fn a_request_its_child_and_the_accepted_socket_are_one_and_queue_by_completion() -> Result<(), Ignored> {
    let told = facts_of(Trial::MoveToTail)?;
    let found = ["tail-clients", "tail-requests", "tail-in-turn", "tail-same-cookie"].map(|name| told[name]);
    assert_eq!(found, [3.0; 4], "{:?}", told.trials.lines);
    Ok(())
}

fn without_requests_nothing_moves() -> Result<(), Ignored> {
    let told = facts_with(Trial::MoveToTail, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((told["tail-clients"], told["tail-requests"], told["tail-same-cookie"]), (3.0, 0.0, 0.0));
    Ok(())
}

fn a_limit_is_the_backlog_under_the_ceiling_of_the_last_listen() -> Result<(), Ignored> {
    let told = facts_of(Trial::ListenLimits)?;
    let sizes = ["minus-1", "0", "5", "128", "200", "4096", "100000"].map(|size| told[&*format!("limit-{size}")]);
    assert_eq!(sizes, [4096.0, 0.0, 5.0, 128.0, 200.0, 4096.0, 4096.0]);
    assert_eq!((told["somaxconn"], told["held-200"]), (4096.0, 201.0));
    let stages = ["before", "lowered", "lowered-again", "raised", "raised-again", "raised-100000"];
    let limits = stages.map(|stage| told[&*format!("ceiling-{stage}")]);
    assert_eq!(limits, [200.0, 200.0, 64.0, 64.0, 200.0, 8192.0], "{:?}", told.trials.lines);
    Ok(())
}

fn an_accepted_socket_has_the_listeners_options_and_none_of_its_flags() -> Result<(), Ignored> {
    let told = facts_of(Trial::Inherits)?;
    assert_eq!((told["flags"], told["flags-inherited"]), (2.0, 0.0), "{:?}", told.trials.lines);
    assert_eq!((told["options"], told["options-inherited"]), (14.0, 13.0), "{:?}", told.trials.lines);
    // `sk_clone` begins with priority 0 (net/core/sock.c, Linux 6.18).
    assert_eq!(told["inherits-so-priority"], 0.0);
    for option in ["so-keepalive", "tcp-nodelay", "so-rcvbuf", "so-sndbuf", "so-linger", "tcp-user-timeout", "ip-ttl"] {
        assert_eq!(told[&*format!("inherits-{option}")], 1.0, "{:?}", told.trials.lines);
    }
    Ok(())
}

fn both_ends_go_through_the_states_of_the_textbook() -> Result<(), Ignored> {
    let told = facts_of(Trial::States)?;
    assert_eq!(
        (told["states-client-as-taught"], told["states-server-as-taught"]),
        (1.0, 1.0),
        "{:?}",
        told.trials.lines
    );
    assert_eq!((told["states-client"], told["states-server"], told["server-syn-rcvd"]), (6.0, 7.0, 1.0));
    Ok(())
}

fn with_cookies_always_there_is_no_syn_rcvd() -> Result<(), Ignored> {
    let told = facts_with(Trial::States, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((told["server-syn-rcvd"], told["server-established"]), (0.0, 1.0), "{:?}", told.trials.lines);
    assert_eq!((told["states-client-as-taught"], told["states-server-as-taught"]), (1.0, 0.0));
    Ok(())
}

fn a_unix_socket_holds_backlog_plus_one_and_tells_the_next() -> Result<(), Ignored> {
    let told = facts_of(Trial::UnixSocket)?;
    let found = ["unix-backlog", "unix-held", "unix-errno", "unix-eagain", "unix-blocks", "unix-woken"];
    assert_eq!(found.map(|name| told[name]), [5.0, 6.0, 11.0, 1.0, 1.0, 1.0], "{:?}", told.trials.lines);
    // Six that did not wait and the one that did.
    assert_eq!(told["unix-served"], 7.0);
    Ok(())
}

fn a_unix_sockets_backlog_stands_under_the_ceiling_too() -> Result<(), Ignored> {
    let told = facts_with(Trial::UnixSocket, &[(Sysctl::Somaxconn, 2)])?;
    assert_eq!((told["unix-backlog"], told["unix-held"]), (5.0, 3.0));
    Ok(())
}

fn each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own() -> Result<(), Ignored> {
    let told = facts_of(Trial::Reuseport)?;
    let group = ["members", "full-depth", "full-limit", "others-depth"].map(|name| told[&*format!("group-{name}")]);
    assert_eq!(group, [3.0, 3.0, 2.0, 0.0], "{:?}", told.trials.lines);
    assert!(told["group-outside"] >= 2.0 && told["group-served-meanwhile"] >= 1.0, "{:?}", told.trials.lines);
    assert_eq!(told["group-outside-after-retry"], told["group-outside"], "nobody is let in by another listener");
    assert!(told["group-retries"] >= told["group-outside"]);
    assert!(told["group-syns-dropped"] >= told["group-outside"]);
    let closed =
        |name: &str| ["queued", "resets", "moves", "counted"].map(|what| told[&*format!("close-{name}-{what}")]);
    assert_eq!(closed("reset"), [3.0, 3.0, 0.0, 0.0], "{:?}", told.trials.lines);
    assert_eq!(closed("moved"), [3.0, 0.0, 3.0, 3.0], "{:?}", told.trials.lines);
    Ok(())
}

fn the_ceiling_holds_for_each_listener_of_a_shared_port() -> Result<(), Ignored> {
    let told = facts_with(Trial::Reuseport, &[(Sysctl::Somaxconn, 1)])?;
    assert_eq!((told["group-full-depth"], told["group-full-limit"], told["group-others-depth"]), (2.0, 1.0, 0.0));
    Ok(())
}

fn a_deferred_accept_queues_nothing_before_data() -> Result<(), Ignored> {
    let told = facts_of(Trial::DeferAccept)?;
    let found = ["without-queued", "queued-before-data", "syn-rcvd-before-data", "acks-dropped", "queued-after-data"];
    let found = found.map(|name| told[&*format!("defer-{name}")]);
    assert_eq!(found, [1.0, 0.0, 1.0, 1.0, 1.0], "{:?}", told.trials.lines);
    assert_eq!((told["defer-established-after-data"], told["defer-silent-queued"]), (1.0, 1.0));
    assert!(told["defer-silent-queued-ms"] > 500.0, "{:?}", told.trials.lines);
    Ok(())
}

fn cookies_do_not_defer() -> Result<(), Ignored> {
    let told = facts_with(Trial::DeferAccept, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((told["defer-queued-before-data"], told["defer-syn-rcvd-before-data"]), (1.0, 0.0));
    Ok(())
}

fn a_connection_ends_with_its_last_close_or_with_shutdown() -> Result<(), Ignored> {
    let told = facts_of(Trial::ForkRefcount)?;
    let closed = ["close-eof", "close-established", "child-heard", "last-close-eof"];
    assert_eq!(closed.map(|name| told[&*format!("fork-{name}")]), [0.0, 1.0, 1.0, 1.0], "{:?}", told.trials.lines);
    assert_eq!((told["fork-shutdown-eof"], told["fork-shutdown-child-lives"]), (1.0, 1.0));
    assert!(told["fork-close-quiet-ms"] >= 400.0);
    Ok(())
}

fn a_server_that_forgets_close_runs_out_of_descriptors_and_ends_nobody() -> Result<(), Ignored> {
    let before = getrlimit(Resource::Nofile).maximum;
    let told = facts_of(Trial::ForkLeak)?;
    assert_eq!(getrlimit(Resource::Nofile).maximum, before, "the limit is the server's own");
    assert_eq!(
        (told["leak-errno"], told["leak-emfile"], told["leak-eof"]),
        (24.0, 1.0, 0.0),
        "{:?}",
        told.trials.lines
    );
    let (limit, accepted) = (told["leak-limit"], told["leak-accepted"]);
    assert!(accepted < limit && accepted >= limit - 6.0, "{accepted} accepted with {limit} descriptors");
    assert_eq!((told["leak-served"], told["leak-eof-after-exit"]), (accepted, accepted));
    assert_eq!(told["leak-still-queued"], told["leak-clients"] - accepted);
    let all = told["leak-clients"];
    assert_eq!((told["tidy-accepted"], told["tidy-served"], told["tidy-eof"]), (all, all, all));
    assert_eq!((told["tidy-errno"], told["tidy-still-queued"]), (0.0, 0.0));
    Ok(())
}
