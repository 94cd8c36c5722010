//! Trials on the real kernel: each in a private network and a process of its own, as an ordinary user and as root, and what it
//! measured is compared with what this kernel is known to do. Nothing of it may be left behind.
//!
//! `cargo test --test trials [FILTER]`. Where the lab cannot be had, a case is ignored with the reason, or fails if
//! QVIZ_REQUIRE_LAB=1.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the case's process")]
#![expect(clippy::float_cmp, reason = "what is compared was counted, not computed")]
#![expect(clippy::wildcard_imports, reason = "each file is nothing but cases, and the list below names all of them")]

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
#[path = "trials/serving.rs"]
mod serving;
#[path = "trials/stage.rs"]
mod stage;

use std::process::ExitCode;

use binding::{
    a_second_bind_needs_the_consent_of_the_first, an_unbound_listener_gets_a_port_and_hears_everybody,
    sockets_without_connections_do_not_listen, the_kernel_chooses_what_bind_left_open,
};
use connecting::{
    a_connect_that_does_not_wait_ends_when_the_answer_comes, a_failed_socket_connects_all_the_same,
    a_full_queue_meets_every_syn_with_silence, a_long_retry_schedule_ends_with_its_session,
    an_unreachable_host_ends_an_attempt_and_not_a_connection, each_of_three_causes_sends_an_rst,
    every_errno_of_connect_comes_from_its_cause, new_sockets_and_growing_pauses_survive_a_late_server,
};
use harness::{Case, Ignored, Who};
use qviz::experiment::child;
use qviz::model::experiment::Trial;
use serving::*;
use stage::{Asked, facts_of};

/// Each case twice: as an ordinary user, and as root.
macro_rules! cases {
    ($($claim:ident),+ $(,)?) => {
        &[$((stringify!($claim), Who::User, $claim), (stringify!($claim), Who::Root, $claim)),+]
    };
}

const CASES: &[Case] = cases![
    trials_are_carried_out_one_after_the_other,
    a_trial_under_way_ends_with_its_session,
    the_children_of_a_trial_under_way_end_with_it,
    more_trials_than_may_wait_are_refused,
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
    a_full_unix_socket_lets_connect_sleep_until_there_is_room,
    a_unix_sockets_backlog_stands_under_the_ceiling_too,
    each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own,
    a_closed_listener_of_a_shared_port_resets_its_clients_or_gives_them_away,
    the_ceiling_holds_for_each_listener_of_a_shared_port,
    a_deferred_accept_queues_nothing_before_data,
    a_deferred_accept_lets_a_silent_client_in_at_last,
    cookies_do_not_defer,
    a_connection_ends_with_its_last_close,
    a_connection_ends_with_shutdown_whoever_holds_it,
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
    assert_eq!(told.failed().as_deref(), Some("it was stopped"));
    Ok(())
}

/// That none is left is looked at for every session: here while the child still has work to do.
fn the_children_of_a_trial_under_way_end_with_it() -> Result<(), Ignored> {
    let told = stage::told_by(&Asked { trials: &[Trial::ForkLeak], hurried: true, ..Asked::default() })?;
    let first = told.trials.lines.first().map(|(_, line)| line.call.to_string());
    assert_eq!((first.as_deref(), told.failed().as_deref()), (Some("fork(), setrlimit()"), Some("it was stopped")));
    Ok(())
}

fn more_trials_than_may_wait_are_refused() -> Result<(), Ignored> {
    // One runs, sixteen wait.
    let told = stage::told_by(&Asked { trials: &[Trial::AcceptBlocks; 18], hurried: true, ..Asked::default() })?;
    assert_eq!(told.refused, ["accept-blocks is not begun: 16 trials wait already"]);
    Ok(())
}

fn accept_takes_the_first_that_came() -> Result<(), Ignored> {
    let told = facts_of(Trial::AcceptFifo)?;
    assert_eq!((told["fifo-clients"], told["fifo-in-turn"]), (6.0, 6.0), "{:?}", told.trials.lines);
    assert_eq!((told.calls("accept()"), told["fifo-first-taken"]), (6, 1.0));
    Ok(())
}

fn accept_on_an_empty_queue_sleeps_or_says_eagain() -> Result<(), Ignored> {
    let told = facts_of(Trial::AcceptBlocks)?;
    assert_eq!((told["nonblocking-errno"], told["nonblocking-eagain"], told["blocking-sleeps"]), (11.0, 1.0, 1.0));
    assert_eq!(told["blocking-woken"], 1.0);
    assert!(told["blocking-slept-ms"] >= 400.0 && told["blocking-woke-ms"] < told["blocking-slept-ms"]);
    Ok(())
}
