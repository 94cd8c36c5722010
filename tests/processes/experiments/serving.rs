//! What the trials of listeners, accepted sockets and processes have to measure.

use qviz::model::experiment::ExperimentId;
use qviz::model::settings::Sysctl;
use rustix::process::{Resource, getrlimit};

use super::stage::{facts_of, facts_with};
use crate::needs::Missing;
use crate::who::Who;

case!(a_request_its_child_and_the_accepted_socket_are_one_and_queue_by_completion, as Who::User, Who::Root);
fn a_request_its_child_and_the_accepted_socket_are_one_and_queue_by_completion() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::MoveToTail)?;
    let found = ["tail-clients", "tail-requests", "tail-in-turn", "tail-same-cookie"].map(|name| told[name]);
    assert_eq!(found, [3.0; 4], "{:?}", told.trials.lines);
    assert_eq!(told["tail-in-syn-order"], 0.0);
    Ok(())
}

case!(without_requests_nothing_moves, as Who::User, Who::Root);
fn without_requests_nothing_moves() -> Result<(), Missing> {
    let told = facts_with(ExperimentId::MoveToTail, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((told["tail-clients"], told["tail-requests"], told["tail-same-cookie"]), (3.0, 0.0, 0.0));
    Ok(())
}

case!(a_limit_is_the_backlog_under_the_ceiling_of_the_last_listen, as Who::User, Who::Root);
fn a_limit_is_the_backlog_under_the_ceiling_of_the_last_listen() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::ListenLimits)?;
    let sizes = ["minus-1", "0", "5", "128", "200", "4096", "100000"].map(|size| told[&*format!("limit-{size}")]);
    assert_eq!(sizes, [4096.0, 0.0, 5.0, 128.0, 200.0, 4096.0, 4096.0]);
    assert_eq!((told["somaxconn"], told["held-200"]), (4096.0, 201.0));
    let stages = ["before", "lowered", "lowered-again", "raised", "raised-again", "raised-100000"];
    let limits = stages.map(|stage| told[&*format!("ceiling-{stage}")]);
    assert_eq!(limits, [200.0, 200.0, 64.0, 64.0, 200.0, 8192.0], "{:?}", told.trials.lines);
    Ok(())
}

case!(an_accepted_socket_has_the_listeners_options_and_none_of_its_flags, as Who::User, Who::Root);
fn an_accepted_socket_has_the_listeners_options_and_none_of_its_flags() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::Inherits)?;
    assert_eq!((told["flags"], told["flags-inherited"]), (2.0, 0.0), "{:?}", told.trials.lines);
    assert_eq!((told["options"], told["options-inherited"]), (14.0, 13.0), "{:?}", told.trials.lines);
    assert_eq!((told["options-taught"], told["options-taught-inherited"]), (6.0, 6.0));
    // `sk_clone` begins with priority 0 (net/core/sock.c, Linux 6.18).
    assert_eq!(told["inherits-so-priority"], 0.0);
    for option in ["so-keepalive", "tcp-nodelay", "so-rcvbuf", "so-sndbuf", "so-linger", "tcp-user-timeout", "ip-ttl"] {
        assert_eq!(told[&*format!("inherits-{option}")], 1.0, "{:?}", told.trials.lines);
    }
    Ok(())
}

case!(both_ends_go_through_the_states_of_the_textbook, as Who::User, Who::Root);
fn both_ends_go_through_the_states_of_the_textbook() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::States)?;
    assert_eq!(
        (told["states-client-as-taught"], told["states-server-as-taught"]),
        (1.0, 1.0),
        "{:?}",
        told.trials.lines
    );
    assert_eq!((told["states-client"], told["states-server"], told["server-syn-rcvd"]), (6.0, 7.0, 1.0));
    Ok(())
}

case!(with_cookies_always_there_is_no_syn_rcvd, as Who::User, Who::Root);
fn with_cookies_always_there_is_no_syn_rcvd() -> Result<(), Missing> {
    let told = facts_with(ExperimentId::States, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((told["server-syn-rcvd"], told["server-established"]), (0.0, 1.0), "{:?}", told.trials.lines);
    assert_eq!((told["states-client-as-taught"], told["states-server-as-taught"]), (1.0, 0.0));
    Ok(())
}

case!(a_unix_socket_holds_backlog_plus_one_and_tells_the_next, as Who::User, Who::Root);
fn a_unix_socket_holds_backlog_plus_one_and_tells_the_next() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::UnixSocket)?;
    let found = ["unix-backlog", "unix-held", "unix-errno", "unix-eagain"];
    assert_eq!(found.map(|name| told[name]), [5.0, 6.0, 11.0, 1.0], "{:?}", told.trials.lines);
    assert!(!told.trials.measured.contains_key("unix-blocks"), "who waits is another trial's question");
    Ok(())
}

case!(a_full_unix_socket_lets_connect_sleep_until_there_is_room, as Who::User, Who::Root);
fn a_full_unix_socket_lets_connect_sleep_until_there_is_room() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::UnixSocketWait)?;
    let found = ["unix-held", "unix-blocks", "unix-woken"];
    assert_eq!(found.map(|name| told[name]), [6.0, 1.0, 1.0], "{:?}", told.trials.lines);
    // Six that did not wait and the one that did.
    assert_eq!((told["unix-served"], told.calls("6 × accept()")), (7.0, 1));
    assert_eq!(told.outcomes("connect() 8, blocking"), ["sleeps"], "{:?}", told.trials.lines);
    Ok(())
}

case!(a_unix_sockets_backlog_stands_under_the_ceiling_too, as Who::User, Who::Root);
fn a_unix_sockets_backlog_stands_under_the_ceiling_too() -> Result<(), Missing> {
    let told = facts_with(ExperimentId::UnixSocket, &[(Sysctl::Somaxconn, 2)])?;
    assert_eq!((told["unix-backlog"], told["unix-held"]), (5.0, 3.0));
    Ok(())
}

case!(each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own, as Who::User, Who::Root);
fn each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::Reuseport)?;
    let group = ["members", "full-depth", "full-limit", "others-depth"].map(|name| told[&*format!("group-{name}")]);
    assert_eq!(group, [3.0, 3.0, 2.0, 0.0], "{:?}", told.trials.lines);
    assert!(told["group-outside"] >= 2.0 && told["group-served-meanwhile"] >= 1.0, "{:?}", told.trials.lines);
    assert_eq!(told["group-outside-after-retry"], told["group-outside"], "nobody is let in by another listener");
    assert!(told["group-retries"] >= told["group-outside"]);
    assert!(told["group-syns-dropped"] >= told["group-outside"]);
    assert!(told.trials.measured.keys().all(|name| name.starts_with("group-")), "{:?}", told.trials.measured);
    Ok(())
}

case!(a_closed_listener_of_a_shared_port_resets_its_clients_or_gives_them_away, as Who::User, Who::Root);
fn a_closed_listener_of_a_shared_port_resets_its_clients_or_gives_them_away() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::ReuseportClose)?;
    let closed =
        |name: &str| ["queued", "resets", "moves", "counted"].map(|what| told[&*format!("close-{name}-{what}")]);
    assert_eq!(closed("reset"), [3.0, 3.0, 0.0, 0.0], "{:?}", told.trials.lines);
    assert_eq!(closed("moved"), [3.0, 0.0, 3.0, 3.0], "{:?}", told.trials.lines);
    Ok(())
}

case!(the_ceiling_holds_for_each_listener_of_a_shared_port, as Who::User, Who::Root);
fn the_ceiling_holds_for_each_listener_of_a_shared_port() -> Result<(), Missing> {
    let told = facts_with(ExperimentId::Reuseport, &[(Sysctl::Somaxconn, 1)])?;
    assert_eq!((told["group-full-depth"], told["group-full-limit"], told["group-others-depth"]), (2.0, 1.0, 0.0));
    Ok(())
}

case!(a_deferred_accept_queues_nothing_before_data, as Who::User, Who::Root);
fn a_deferred_accept_queues_nothing_before_data() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::DeferAccept)?;
    let found = ["without-queued", "queued-before-data", "syn-rcvd-before-data", "acks-dropped", "queued-after-data"];
    let found = found.map(|name| told[&*format!("defer-{name}")]);
    assert_eq!(found, [1.0, 0.0, 1.0, 1.0, 1.0], "{:?}", told.trials.lines);
    assert_eq!(told["defer-established-after-data"], 1.0);
    assert!(!told.trials.measured.contains_key("defer-silent-queued"), "silence is another trial's question");
    Ok(())
}

case!(a_deferred_accept_lets_a_silent_client_in_at_last, as Who::User, Who::Root);
fn a_deferred_accept_lets_a_silent_client_in_at_last() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::DeferAcceptSilent)?;
    assert_eq!(told["defer-silent-queued"], 1.0);
    assert!(told["defer-silent-queued-ms"] > 500.0, "{:?}", told.trials.lines);
    Ok(())
}

case!(cookies_do_not_defer, as Who::User, Who::Root);
/// A request that is only a cookie has nowhere to wait: `cookie_v4_check` makes the connection from the bare ACK (Linux 6.18).
fn cookies_do_not_defer() -> Result<(), Missing> {
    let told = facts_with(ExperimentId::DeferAccept, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((told["defer-queued-before-data"], told["defer-syn-rcvd-before-data"]), (1.0, 0.0));
    Ok(())
}

case!(a_connection_ends_with_its_last_close, as Who::User, Who::Root);
fn a_connection_ends_with_its_last_close() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::ForkRefcount)?;
    let closed = ["close-eof", "close-established", "child-heard", "last-close-eof"];
    assert_eq!(closed.map(|name| told[&*format!("fork-{name}")]), [0.0, 1.0, 1.0, 1.0], "{:?}", told.trials.lines);
    assert!(!told.trials.measured.contains_key("fork-shutdown-eof"), "shutdown() is another trial's question");
    assert!(told["fork-close-quiet-ms"] >= 400.0);
    Ok(())
}

case!(a_connection_ends_with_shutdown_whoever_holds_it, as Who::User, Who::Root);
fn a_connection_ends_with_shutdown_whoever_holds_it() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::ForkShutdown)?;
    let found = ["fork-shutdown-eof", "fork-shutdown-child-lives"].map(|name| told[name]);
    assert_eq!(found, [1.0; 2], "{:?}", told.trials.lines);
    Ok(())
}

case!(a_server_that_forgets_close_runs_out_of_descriptors_and_ends_nobody, as Who::User, Who::Root);
fn a_server_that_forgets_close_runs_out_of_descriptors_and_ends_nobody() -> Result<(), Missing> {
    let before = getrlimit(Resource::Nofile).maximum;
    let told = facts_of(ExperimentId::ForkLeak)?;
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
