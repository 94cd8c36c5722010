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
    let told = facts_with(ExperimentId::RetrySchedule, &[(Sysctl::SynRetries, 1), (Sysctl::SynLinearTimeouts, 0)])?;
    assert_eq!((told["tries"], told["syns-on-the-wire"], told["overflows"]), (2.0, 2.0, 2.0));
    assert_eq!((told["answers-on-the-wire"], told["resets-on-the-wire"]), (0.0, 0.0));
    assert_eq!((told["errno"], told["refused"]), (ETIMEDOUT, 0.0));
    assert!(told["try-2-ms"] - told["try-1-ms"] >= 990.0, "{} and {}", told["try-1-ms"], told["try-2-ms"]);
    assert!(told["gives-up-ms"] >= 2.5 * told["try-2-ms"], "the second wait is twice as long: {}", told["gives-up-ms"]);
    Ok(())
}

case!(a_long_retry_schedule_ends_with_its_session, as Who::User, Who::Root);
fn a_long_retry_schedule_ends_with_its_session() -> Result<(), Missing> {
    let told = stage::told_by(&Asked { trials: &[ExperimentId::RetrySchedule], hurried: true, ..Asked::default() })?;
    assert_eq!(told.failed().as_deref(), Some("it was stopped"));
    Ok(())
}

case!(each_of_three_causes_sends_an_rst, as Who::User, Who::Root);
fn each_of_three_causes_sends_an_rst() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::ThreeResets)?;
    assert_eq!(told["rst-kinds"], 3.0);
    for cause in ["no-listener-rsts", "linger-rsts", "unread-rsts", "gone-rsts", "stray-rsts"] {
        assert_eq!(told[cause], 1.0, "{cause}");
    }
    assert_eq!((told["rsts-from-ports"], told["rsts-from-clients"]), (5.0, 0.0), "{:?}", told.trials.lines);
    let on_wire = told.trials.lines.iter().filter(|(_, line)| line.call.to_string().starts_with("RST from :"));
    assert_eq!(on_wire.count(), 5, "{:?}", told.trials.lines);
    assert_eq!(told["no-listener-errno"], ECONNREFUSED);
    assert_eq!(
        (told["linger-errno"], told["unread-errno"]),
        (f64::from(libc::ECONNRESET), f64::from(libc::ECONNRESET))
    );
    assert_eq!(told["gone-errno"], f64::from(libc::EPIPE));
    Ok(())
}

case!(an_unreachable_host_ends_an_attempt_and_not_a_connection, as Who::User, Who::Root);
fn an_unreachable_host_ends_an_attempt_and_not_a_connection() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::Unreachable)?;
    assert_eq!(told["no-route-errno"], f64::from(libc::ENETUNREACH));
    assert_eq!(told["icmp-host-errno"], f64::from(libc::EHOSTUNREACH));
    assert_eq!(told["icmp-net-errno"], f64::from(libc::ENETUNREACH));
    assert_eq!(told["icmp-port-errno"], ECONNREFUSED);
    // RFC 1122 (4.2.3.9) wants the attempt to go on. Linux 6.18 ends it at the first complaint; a kernel that goes on is no defect.
    assert!(told["icmp-host-syns"] >= 1.0 && told["icmp-port-syns"] == 1.0);
    assert_eq!((told["established-survives"], told["established-so-error"]), (1.0, f64::from(libc::EHOSTUNREACH)));
    Ok(())
}

case!(a_failed_socket_connects_all_the_same, as Who::User, Who::Root);
fn a_failed_socket_connects_all_the_same() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::FailedSocket)?;
    assert_eq!((told["refused-errno"], told["refused-again-errno"], told["refused-usable"]), (ECONNREFUSED, 0.0, 1.0));
    assert_eq!((told["timeout-errno"], told["timeout-again-errno"], told["timeout-usable"]), (ETIMEDOUT, 0.0, 1.0));
    Ok(())
}

case!(a_connect_that_does_not_wait_ends_when_the_answer_comes, as Who::User, Who::Root);
fn a_connect_that_does_not_wait_ends_when_the_answer_comes() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::NonblockingConnect)?;
    for target in ["loopback-errno", "far-errno", "full-errno", "nobody-errno"] {
        assert_eq!(told[target], EINPROGRESS, "{target}");
    }
    assert_eq!(told["unix-errno"], 0.0);
    assert_eq!((told["far-writable-at-once"], told["full-writable-at-once"]), (0.0, 0.0));
    assert!(told["far-writable-ms"] >= told["far-rtt-ms"]);
    assert!(told["full-writable-ms"] >= 990.0, "only the next SYN finds the room: {}", told["full-writable-ms"]);
    let ends = ["loopback", "far", "full", "nobody"].map(|target| told[&*format!("{target}-so-error")]);
    assert_eq!(ends, [0.0, 0.0, 0.0, ECONNREFUSED], "writable is not yet connected");
    Ok(())
}

case!(new_sockets_and_growing_pauses_survive_a_late_server, as Who::User, Who::Root);
fn new_sockets_and_growing_pauses_survive_a_late_server() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::Backoff)?;
    assert_eq!((told["single-errno"], told["backoff-connected"], told["kernel-connected"]), (ECONNREFUSED, 1.0, 1.0));
    assert!(told["backoff-tries"] > 1.0 && told["backoff-ms"] >= told["late-ms"]);
    // No try comes before the pauses until then are over: 1, 1 + 2, 1 + 2 + 4 times the first.
    let mut slept = 0.0;
    for earlier in 1..told["backoff-tries"] as u32 {
        slept += told["first-pause-ms"] * f64::from(1 << (earlier - 1));
        let at = told[&*format!("backoff-try-{}-ms", earlier + 1)];
        assert!(at >= slept, "try {} came after {at} ms, before {slept}", earlier + 1);
    }
    assert!(told["kernel-ms"] >= told["late-ms"] && told["kernel-tries"] >= 2.0);
    Ok(())
}

case!(every_errno_of_connect_comes_from_its_cause, as Who::User, Who::Root);
fn every_errno_of_connect_comes_from_its_cause() -> Result<(), Missing> {
    let told = facts_of(ExperimentId::ConnectErrnos)?;
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
        assert_eq!(told[&*format!("{cause}-errno")], f64::from(errno), "{cause}");
    }
    // All but bind()'s own EADDRINUSE.
    assert_eq!(told["connect-errnos"], expected.len() as f64 - 1.0);
    Ok(())
}
