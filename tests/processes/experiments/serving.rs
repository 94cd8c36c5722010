//! What the trials of listeners, accepted sockets and processes have to measure.

use qviz::model::experiment::ExperimentId;
use qviz::model::settings::Sysctl;
use rustix::process::{Resource, getrlimit};

use super::stage::{facts_of, facts_with};
use crate::needs::Missing;
use crate::who::Who;

case!(a_request_its_child_and_the_accepted_socket_are_one_and_queue_by_completion, as Who::User, Who::Root);
fn a_request_its_child_and_the_accepted_socket_are_one_and_queue_by_completion() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::MoveToTail)?;
    let found = ["tail-clients", "tail-requests", "tail-in-turn", "tail-same-cookie"].map(|name| facts[name]);
    assert_eq!(found, [3.0; 4], "{:?}", facts.trials.lines);
    assert_eq!(facts["tail-in-syn-order"], 0.0);
    Ok(())
}

case!(without_requests_nothing_moves, as Who::User, Who::Root);
fn without_requests_nothing_moves() -> Result<(), Missing> {
    let facts = facts_with(ExperimentId::MoveToTail, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((facts["tail-clients"], facts["tail-requests"], facts["tail-same-cookie"]), (3.0, 0.0, 0.0));
    Ok(())
}

case!(a_limit_is_the_backlog_under_the_ceiling_of_the_last_listen, as Who::User, Who::Root);
fn a_limit_is_the_backlog_under_the_ceiling_of_the_last_listen() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ListenLimits)?;
    let sizes = ["minus-1", "0", "5", "128", "200", "4096", "100000"].map(|size| facts[&*format!("limit-{size}")]);
    assert_eq!(sizes, [4096.0, 0.0, 5.0, 128.0, 200.0, 4096.0, 4096.0]);
    assert_eq!((facts["somaxconn"], facts["held-200"]), (4096.0, 201.0));
    let stages = ["before", "lowered", "lowered-again", "raised", "raised-again", "raised-100000"];
    let limits = stages.map(|stage| facts[&*format!("ceiling-{stage}")]);
    assert_eq!(limits, [200.0, 200.0, 64.0, 64.0, 200.0, 8192.0], "{:?}", facts.trials.lines);
    Ok(())
}

case!(an_accepted_socket_has_the_listeners_options_and_none_of_its_flags, as Who::User, Who::Root);
fn an_accepted_socket_has_the_listeners_options_and_none_of_its_flags() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::Inherits)?;
    assert_eq!((facts["flags"], facts["flags-inherited"]), (2.0, 0.0), "{:?}", facts.trials.lines);
    assert_eq!((facts["options"], facts["options-inherited"]), (14.0, 13.0), "{:?}", facts.trials.lines);
    assert_eq!((facts["options-taught"], facts["options-taught-inherited"]), (6.0, 6.0));
    // `sk_clone` begins with priority 0 (net/core/sock.c, Linux 6.18).
    assert_eq!(facts["inherits-so-priority"], 0.0);
    for option in ["so-keepalive", "tcp-nodelay", "so-rcvbuf", "so-sndbuf", "so-linger", "tcp-user-timeout", "ip-ttl"] {
        assert_eq!(facts[&*format!("inherits-{option}")], 1.0, "{:?}", facts.trials.lines);
    }
    Ok(())
}

case!(both_ends_go_through_the_states_of_the_textbook, as Who::User, Who::Root);
fn both_ends_go_through_the_states_of_the_textbook() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::States)?;
    assert_eq!(
        (facts["states-client-as-taught"], facts["states-server-as-taught"]),
        (1.0, 1.0),
        "{:?}",
        facts.trials.lines
    );
    assert_eq!((facts["states-client"], facts["states-server"], facts["server-syn-rcvd"]), (6.0, 7.0, 1.0));
    Ok(())
}

case!(with_cookies_always_there_is_no_syn_rcvd, as Who::User, Who::Root);
fn with_cookies_always_there_is_no_syn_rcvd() -> Result<(), Missing> {
    let facts = facts_with(ExperimentId::States, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((facts["server-syn-rcvd"], facts["server-established"]), (0.0, 1.0), "{:?}", facts.trials.lines);
    assert_eq!((facts["states-client-as-taught"], facts["states-server-as-taught"]), (1.0, 0.0));
    Ok(())
}

case!(a_unix_socket_holds_backlog_plus_one_and_tells_the_next, as Who::User, Who::Root);
fn a_unix_socket_holds_backlog_plus_one_and_tells_the_next() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::UnixSocket)?;
    let found = ["unix-backlog", "unix-held", "unix-errno", "unix-eagain"];
    assert_eq!(found.map(|name| facts[name]), [5.0, 6.0, 11.0, 1.0], "{:?}", facts.trials.lines);
    assert!(!facts.trials.measured.contains_key("unix-blocks"), "who waits is another trial's question");
    Ok(())
}

case!(a_full_unix_socket_lets_connect_sleep_until_there_is_room, as Who::User, Who::Root);
fn a_full_unix_socket_lets_connect_sleep_until_there_is_room() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::UnixSocketWait)?;
    let found = ["unix-held", "unix-blocks", "unix-woken"];
    assert_eq!(found.map(|name| facts[name]), [6.0, 1.0, 1.0], "{:?}", facts.trials.lines);
    // Six that did not wait and the one that did.
    assert_eq!((facts["unix-served"], facts.calls("6 × accept()")), (7.0, 1));
    assert_eq!(facts.outcomes("connect() 8, blocking"), ["sleeps"], "{:?}", facts.trials.lines);
    Ok(())
}

case!(a_unix_sockets_backlog_stands_under_the_ceiling_too, as Who::User, Who::Root);
fn a_unix_sockets_backlog_stands_under_the_ceiling_too() -> Result<(), Missing> {
    let facts = facts_with(ExperimentId::UnixSocket, &[(Sysctl::Somaxconn, 2)])?;
    assert_eq!((facts["unix-backlog"], facts["unix-held"]), (5.0, 3.0));
    Ok(())
}

case!(each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own, as Who::User, Who::Root);
fn each_listener_of_a_shared_port_has_a_queue_and_a_limit_of_its_own() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::Reuseport)?;
    let group = ["members", "full-depth", "full-limit", "others-depth"].map(|name| facts[&*format!("group-{name}")]);
    assert_eq!(group, [3.0, 3.0, 2.0, 0.0], "{:?}", facts.trials.lines);
    assert!(facts["group-outside"] >= 2.0 && facts["group-served-meanwhile"] >= 1.0, "{:?}", facts.trials.lines);
    assert_eq!(facts["group-outside-after-retry"], facts["group-outside"], "nobody is let in by another listener");
    assert!(facts["group-retries"] >= facts["group-outside"]);
    assert!(facts["group-syns-dropped"] >= facts["group-outside"]);
    assert!(facts.trials.measured.keys().all(|name| name.starts_with("group-")), "{:?}", facts.trials.measured);
    Ok(())
}

case!(a_closed_listener_of_a_shared_port_resets_its_clients_or_gives_them_away, as Who::User, Who::Root);
fn a_closed_listener_of_a_shared_port_resets_its_clients_or_gives_them_away() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ReuseportClose)?;
    let closed =
        |name: &str| ["queued", "resets", "moves", "counted"].map(|what| facts[&*format!("close-{name}-{what}")]);
    assert_eq!(closed("reset"), [3.0, 3.0, 0.0, 0.0], "{:?}", facts.trials.lines);
    assert_eq!(closed("moved"), [3.0, 0.0, 3.0, 3.0], "{:?}", facts.trials.lines);
    Ok(())
}

case!(the_ceiling_holds_for_each_listener_of_a_shared_port, as Who::User, Who::Root);
fn the_ceiling_holds_for_each_listener_of_a_shared_port() -> Result<(), Missing> {
    let facts = facts_with(ExperimentId::Reuseport, &[(Sysctl::Somaxconn, 1)])?;
    assert_eq!((facts["group-full-depth"], facts["group-full-limit"], facts["group-others-depth"]), (2.0, 1.0, 0.0));
    Ok(())
}

case!(a_deferred_accept_queues_nothing_before_data, as Who::User, Who::Root);
fn a_deferred_accept_queues_nothing_before_data() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::DeferAccept)?;
    let found = ["without-queued", "queued-before-data", "syn-rcvd-before-data", "acks-dropped", "queued-after-data"];
    let found = found.map(|name| facts[&*format!("defer-{name}")]);
    assert_eq!(found, [1.0, 0.0, 1.0, 1.0, 1.0], "{:?}", facts.trials.lines);
    assert_eq!(facts["defer-established-after-data"], 1.0);
    assert!(!facts.trials.measured.contains_key("defer-silent-queued"), "silence is another trial's question");
    Ok(())
}

case!(a_deferred_accept_lets_a_silent_client_in_at_last, as Who::User, Who::Root);
fn a_deferred_accept_lets_a_silent_client_in_at_last() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::DeferAcceptSilent)?;
    assert_eq!(facts["defer-silent-queued"], 1.0);
    assert!(facts["defer-silent-queued-ms"] > 500.0, "{:?}", facts.trials.lines);
    Ok(())
}

case!(cookies_do_not_defer, as Who::User, Who::Root);
/// A request that is only a cookie has nowhere to wait: `cookie_v4_check` makes the connection from the bare ACK (Linux 6.18).
fn cookies_do_not_defer() -> Result<(), Missing> {
    let facts = facts_with(ExperimentId::DeferAccept, &[(Sysctl::Syncookies, 2)])?;
    assert_eq!((facts["defer-queued-before-data"], facts["defer-syn-rcvd-before-data"]), (1.0, 0.0));
    Ok(())
}

case!(a_connection_ends_with_its_last_close, as Who::User, Who::Root);
fn a_connection_ends_with_its_last_close() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ForkRefcount)?;
    let closed = ["close-eof", "close-established", "child-heard", "last-close-eof"];
    assert_eq!(closed.map(|name| facts[&*format!("fork-{name}")]), [0.0, 1.0, 1.0, 1.0], "{:?}", facts.trials.lines);
    assert!(!facts.trials.measured.contains_key("fork-shutdown-eof"), "shutdown() is another trial's question");
    assert!(facts["fork-close-quiet-ms"] >= 400.0);
    Ok(())
}

case!(a_connection_ends_with_shutdown_whoever_holds_it, as Who::User, Who::Root);
fn a_connection_ends_with_shutdown_whoever_holds_it() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ForkShutdown)?;
    let found = ["fork-shutdown-eof", "fork-shutdown-child-lives"].map(|name| facts[name]);
    assert_eq!(found, [1.0; 2], "{:?}", facts.trials.lines);
    Ok(())
}

case!(a_server_that_forgets_close_runs_out_of_descriptors_and_ends_nobody, as Who::User, Who::Root);
fn a_server_that_forgets_close_runs_out_of_descriptors_and_ends_nobody() -> Result<(), Missing> {
    let before = getrlimit(Resource::Nofile).maximum;
    let facts = facts_of(ExperimentId::ForkLeak)?;
    assert_eq!(getrlimit(Resource::Nofile).maximum, before, "the limit is the server's own");
    assert_eq!(
        (facts["leak-errno"], facts["leak-emfile"], facts["leak-eof"]),
        (24.0, 1.0, 0.0),
        "{:?}",
        facts.trials.lines
    );
    let (limit, accepted) = (facts["leak-limit"], facts["leak-accepted"]);
    assert!(accepted < limit && accepted >= limit - 7.0, "{accepted} accepted with {limit} descriptors");
    assert_eq!((facts["leak-served"], facts["leak-eof-after-exit"]), (accepted, accepted));
    assert_eq!(facts["leak-still-queued"], facts["leak-clients"] - accepted);
    let all = facts["leak-clients"];
    assert_eq!((facts["tidy-accepted"], facts["tidy-served"], facts["tidy-eof"]), (all, all, all));
    assert_eq!((facts["tidy-errno"], facts["tidy-still-queued"]), (0.0, 0.0));
    Ok(())
}
