//! Trials of connect(): what they measured on this kernel.

use qviz::model::experiment::ExperimentId;
use qviz::model::settings::Sysctl;

use super::stage::{self, Asked, facts_of, facts_with};
use crate::needs::Missing;
use crate::who::Who;

/// Errnos by their numbers, as they are measured.
const EINPROGRESS: f64 = libc::EINPROGRESS as f64;
const ECONNREFUSED: f64 = libc::ECONNREFUSED as f64;
const ETIMEDOUT: f64 = libc::ETIMEDOUT as f64;

case!(a_full_queue_meets_every_syn_with_silence, as Who::User, Who::Root);
fn a_full_queue_meets_every_syn_with_silence() -> Result<(), Missing> {
    // One retry, after a second: the whole schedule takes two minutes.
    let facts = facts_with(ExperimentId::RetrySchedule, &[(Sysctl::SynRetries, 1), (Sysctl::SynLinearTimeouts, 0)])?;
    assert_eq!((facts["tries"], facts["syns-on-the-wire"], facts["overflows"]), (2.0, 2.0, 2.0));
    assert_eq!((facts["answers-on-the-wire"], facts["resets-on-the-wire"]), (0.0, 0.0));
    assert_eq!((facts["errno"], facts["refused"]), (ETIMEDOUT, 0.0));
    assert!(facts["try-2-ms"] - facts["try-1-ms"] >= 990.0, "{} and {}", facts["try-1-ms"], facts["try-2-ms"]);
    assert!(
        facts["gives-up-ms"] >= 2.5 * facts["try-2-ms"],
        "the second wait is twice as long: {}",
        facts["gives-up-ms"]
    );
    Ok(())
}

case!(a_long_retry_schedule_ends_with_its_session, as Who::User, Who::Root);
fn a_long_retry_schedule_ends_with_its_session() -> Result<(), Missing> {
    let facts = stage::facts_by(&Asked { trials: &[ExperimentId::RetrySchedule], hurried: true, ..Asked::default() })?;
    assert_eq!(facts.failed().as_deref(), Some("it was stopped"));
    Ok(())
}

case!(each_of_three_causes_sends_an_rst, as Who::User, Who::Root);
fn each_of_three_causes_sends_an_rst() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ThreeResets)?;
    assert_eq!(facts["rst-kinds"], 3.0);
    for cause in ["no-listener-rsts", "linger-rsts", "unread-rsts", "gone-rsts", "stray-rsts"] {
        assert_eq!(facts[cause], 1.0, "{cause}");
    }
    assert_eq!((facts["rsts-from-ports"], facts["rsts-from-clients"]), (5.0, 0.0), "{:?}", facts.trials.lines);
    let on_wire = facts.trials.lines.iter().filter(|(_, line)| line.call.to_string().starts_with("RST from :"));
    assert_eq!(on_wire.count(), 5, "{:?}", facts.trials.lines);
    assert_eq!(facts["no-listener-errno"], ECONNREFUSED);
    assert_eq!(
        (facts["linger-errno"], facts["unread-errno"]),
        (f64::from(libc::ECONNRESET), f64::from(libc::ECONNRESET))
    );
    assert_eq!(facts["gone-errno"], f64::from(libc::EPIPE));
    Ok(())
}

case!(an_unreachable_host_ends_an_attempt_and_not_a_connection, as Who::User, Who::Root);
fn an_unreachable_host_ends_an_attempt_and_not_a_connection() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::Unreachable)?;
    assert_eq!(facts["no-route-errno"], f64::from(libc::ENETUNREACH));
    assert_eq!(facts["icmp-host-errno"], f64::from(libc::EHOSTUNREACH));
    assert_eq!(facts["icmp-net-errno"], f64::from(libc::ENETUNREACH));
    assert_eq!(facts["icmp-port-errno"], ECONNREFUSED);
    // RFC 1122 (4.2.3.9) wants the attempt to go on. Linux 6.18 ends it at the first complaint; a kernel that goes on is no defect.
    assert!(facts["icmp-host-syns"] >= 1.0 && facts["icmp-port-syns"] == 1.0);
    assert_eq!((facts["established-survives"], facts["established-so-error"]), (1.0, f64::from(libc::EHOSTUNREACH)));
    Ok(())
}

case!(a_failed_socket_connects_all_the_same, as Who::User, Who::Root);
fn a_failed_socket_connects_all_the_same() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::FailedSocket)?;
    assert_eq!(
        (facts["refused-errno"], facts["refused-again-errno"], facts["refused-usable"]),
        (ECONNREFUSED, 0.0, 1.0)
    );
    assert_eq!((facts["timeout-errno"], facts["timeout-again-errno"], facts["timeout-usable"]), (ETIMEDOUT, 0.0, 1.0));
    Ok(())
}

case!(a_connect_that_does_not_wait_ends_when_the_answer_comes, as Who::User, Who::Root);
fn a_connect_that_does_not_wait_ends_when_the_answer_comes() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::NonblockingConnect)?;
    for target in ["loopback-errno", "far-errno", "full-errno", "nobody-errno"] {
        assert_eq!(facts[target], EINPROGRESS, "{target}");
    }
    assert_eq!(facts["unix-errno"], 0.0);
    assert_eq!((facts["far-writable-at-once"], facts["full-writable-at-once"]), (0.0, 0.0));
    assert!(facts["far-writable-ms"] >= facts["far-rtt-ms"]);
    assert!(facts["full-writable-ms"] >= 990.0, "only the next SYN finds the room: {}", facts["full-writable-ms"]);
    let ends = ["loopback", "far", "full", "nobody"].map(|target| facts[&*format!("{target}-so-error")]);
    assert_eq!(ends, [0.0, 0.0, 0.0, ECONNREFUSED], "writable is not yet connected");
    Ok(())
}

case!(new_sockets_and_growing_pauses_survive_a_late_server, as Who::User, Who::Root);
fn new_sockets_and_growing_pauses_survive_a_late_server() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::Backoff)?;
    assert_eq!(
        (facts["single-errno"], facts["backoff-connected"], facts["kernel-connected"]),
        (ECONNREFUSED, 1.0, 1.0)
    );
    assert!(facts["backoff-tries"] > 1.0 && facts["backoff-ms"] >= facts["late-ms"]);
    // No try comes before the pauses until then are over: 1, 1 + 2, 1 + 2 + 4 times the first.
    let mut slept = 0.0;
    for earlier in 1..facts["backoff-tries"] as u32 {
        slept += facts["first-pause-ms"] * f64::from(1 << (earlier - 1));
        let at = facts[&*format!("backoff-try-{}-ms", earlier + 1)];
        assert!(at >= slept, "try {} came after {at} ms, before {slept}", earlier + 1);
    }
    assert!(facts["kernel-ms"] >= facts["late-ms"] && facts["kernel-tries"] >= 2.0);
    Ok(())
}

case!(every_errno_of_connect_comes_from_its_cause, as Who::User, Who::Root);
fn every_errno_of_connect_comes_from_its_cause() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::ConnectErrnos)?;
    let expected = [
        ("no-descriptor", libc::EBADF),
        ("no-socket", libc::ENOTSOCK),
        ("other-family", libc::EAFNOSUPPORT),
        ("no-route", libc::ENETUNREACH),
        ("unreachable-route", libc::EHOSTUNREACH),
        ("prohibited-route", libc::EACCES),
        ("blackhole-route", libc::EINVAL),
        ("no-listener", libc::ECONNREFUSED),
        ("in-progress", libc::EINPROGRESS),
        ("again-meanwhile", libc::EALREADY),
        ("queue-full", libc::ETIMEDOUT),
        ("same-pair", libc::EADDRNOTAVAIL),
        ("connected-already", libc::EISCONN),
        ("bind-in-use", libc::EADDRINUSE),
        ("reset-meanwhile", libc::ECONNRESET),
        ("reset-error-taken", libc::ECONNABORTED),
        ("unix-no-file", libc::ENOENT),
        ("unix-full", libc::EAGAIN),
    ];
    for (cause, errno) in expected {
        assert_eq!(facts[&*format!("{cause}-errno")], f64::from(errno), "{cause}");
    }
    // All but bind()'s own EADDRINUSE.
    assert_eq!(facts["connect-errnos"], expected.len() as f64 - 1.0);
    Ok(())
}
