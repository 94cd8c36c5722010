//! The kernel, the host's settings and loopback, and what can be read of a listener.

use std::net::{Ipv4Addr, SocketAddr};

use rustix::process::{Resource, getrlimit};

use super::{Check, Group};
use crate::kernel::own_socket::OwnListener;
use crate::kernel::proc::{self, CountersFile};
use crate::kernel::sock_diag::Diag;
use crate::kernel::tap::{LOOPBACK, Tap, TapPlan};
use crate::lab::listener::{ListenPlan, Listener};
use crate::lab::namespace::Probe;
use crate::model::counters::Counter;
use crate::model::queue::SynRule;
use crate::model::settings::{Sysctl, Sysctls};
use crate::say;

/// The kernel's version and its consequences, limits, and the host's settings.
pub(super) fn of_kernel(host: &Sysctls) -> Vec<Check> {
    let rule = match Probe::in_throw_away_namespace().syn_rule {
        Some(SynRule::Above) => say!("a SYN queue is full above its limit: it holds backlog + 1 (measured)"),
        Some(SynRule::AtLeast) => say!("a SYN queue is full at its limit: it holds backlog (measured)"),
        None => say!("a SYN queue holds backlog, or backlog + 1: it could not be measured here"),
    };
    let mut checks = vec![
        Check::value("kernel.release", Group::Kernel, "Linux", proc::kernel_release()),
        Check::value("kernel.syn_rule", Group::Kernel, say!("SYN queue"), rule),
        descriptors(),
    ];
    for (sysctl, value) in host.iter() {
        checks.push(match value {
            Some(value) => setting(sysctl, value),
            None => Check::value(
                sysctl.name(),
                Group::Kernel,
                sysctl.name(),
                say!("this kernel does not have it, or hides it"),
            ),
        });
    }
    checks
}

/// A listener on the host's loopback, and the tap there. True when qviz could run on the host.
pub(super) fn of_host(checks: &mut Vec<Check>) -> bool {
    let listener = listen();
    let works = listener.is_ok();
    checks.push(match &listener {
        Ok(listener) => {
            Check::works("host.listen", Group::Host, say!("a listener on loopback"), listener.address().to_string())
        }
        Err(error) => Check::fails("host.listen", Group::Host, say!("a listener on loopback"), error.to_string())
            .with_remedy(say!("ip link set lo up, as root")),
    });
    let tap = TapPlan { loopback: true, ..TapPlan::new(LOOPBACK, 1) };
    checks.push(match Tap::open(&tap) {
        Ok(_) => Check::works("host.tap", Group::Host, say!("every segment (AF_PACKET on lo)"), say!("can be seen")),
        Err(error) => Check::fails("host.tap", Group::Host, say!("every segment (AF_PACKET on lo)"), error.to_string())
            .with_remedy(say!("sudo qviz --net host (the private network needs no root)")),
    });
    works
}

/// What can be read of a listener in the present network namespace. `here` names it.
pub(super) fn of_listener(checks: &mut Vec<Check>, here: &str) {
    match listen() {
        Ok(listener) => {
            let port = listener.address().port();
            checks.push(check_own_queue(&listener, here));
            checks.push(check_sock_diag(port, here));
        }
        Err(error) => checks.push(
            Check::fails(
                "sight.queue",
                Group::Visibility,
                own_label(),
                say!("no listener {here}: {error}", here, error),
            )
            .with_remedy(say!("qviz --listen ADDR:PORT with an address of this host")),
        ),
    }
    checks.push(check_counters(here));
}

fn listen() -> Result<Listener, crate::lab::listener::ListenError> {
    Listener::open(&ListenPlan { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), backlog: TRIAL_BACKLOG })
}

fn check_own_queue(listener: &Listener, here: &str) -> Check {
    let reading = OwnListener::new(listener).read();
    let limit = u32::try_from(TRIAL_BACKLOG).ok();
    if reading.limit == limit && reading.depth == Some(0) {
        let found = if reading.drops.is_some() {
            say!("length, limit and drops, {here}", here)
        } else {
            say!("length and limit, not its drops, {here}", here)
        };
        return Check::works("sight.queue", Group::Visibility, own_label(), found);
    }
    Check::fails(
        "sight.queue",
        Group::Visibility,
        own_label(),
        say!("listen({backlog}) reads as {reading}", backlog = TRIAL_BACKLOG, reading = format_args!("{reading:?}")),
    )
    .with_remedy(say!("a Linux kernel with TCP_INFO for listeners (2.6.24 or later; no gVisor)"))
}

fn check_sock_diag(port: u16, here: &str) -> Check {
    let mut found = Vec::new();
    let dump = Diag::open().and_then(|mut diag| diag.listeners(&mut found));
    match dump {
        Ok(_) if found.iter().any(|listener| listener.address.port() == port) => Check::works(
            "sight.sock_diag",
            Group::Visibility,
            sock_diag_label(),
            say!("who is half-open and who waits, {here}", here),
        ),
        Ok(_) => Check::fails(
            "sight.sock_diag",
            Group::Visibility,
            sock_diag_label(),
            say!("an open listener is not in the list"),
        )
        .with_remedy("sudo modprobe tcp_diag"),
        Err(error) => Check::fails("sight.sock_diag", Group::Visibility, sock_diag_label(), error.to_string())
            .with_remedy(error.hint()),
    }
}

fn check_counters(here: &str) -> Check {
    match CountersFile::open() {
        Err(error) => Check::fails("sight.counters", Group::Visibility, counters_label(), error.to_string())
            .with_remedy(error.hint()),
        Ok(mut file) => match file.read() {
            Err(error) => Check::fails("sight.counters", Group::Visibility, counters_label(), error.to_string())
                .with_remedy("cat /proc/thread-self/net/netstat"),
            Ok(counters) => {
                let missing: Vec<_> = Counter::ALL
                    .iter()
                    .filter(|counter| counters.value(**counter).is_none())
                    .map(|counter| counter.name())
                    .collect();
                let found = if missing.is_empty() {
                    say!("all {count} that qviz follows, {here}", count = Counter::ALL.len(), here)
                } else {
                    say!("this kernel does not have {counters}", counters = missing.join(", "))
                };
                Check::works("sight.counters", Group::Visibility, counters_label(), found)
            }
        },
    }
}

fn descriptors() -> Check {
    let limit = getrlimit(Resource::Nofile);
    let number = |value: Option<u64>| value.map_or_else(|| say!("no limit").to_owned(), |value| value.to_string());
    let (now, most) = (number(limit.current), number(limit.maximum));
    let found = say!("{now} now, {most} at most (qviz takes what it may)", now, most);
    let what = say!("open files (ulimit -n)");
    if limit.maximum.is_none_or(|most| most >= ENOUGH_FILES) {
        Check::works("kernel.descriptors", Group::Kernel, what, found)
    } else {
        Check::fails("kernel.descriptors", Group::Kernel, what, say!("{found}: few connections fit", found))
            .with_remedy(say!("ulimit -Hn 4096, as root; or LimitNOFILE= of the service"))
    }
}

fn own_label() -> &'static str {
    say!("the own listener (TCP_INFO)")
}

fn sock_diag_label() -> &'static str {
    say!("single connections (sock_diag)")
}

fn counters_label() -> &'static str {
    say!("counters (/proc/thread-self/net)")
}

/// A value of the host, with a remark where it decides what will be seen.
fn setting(sysctl: Sysctl, value: i64) -> Check {
    let remark = match (sysctl, value) {
        (Sysctl::Syncookies, 0) => say!("a full SYN queue drops"),
        (Sysctl::Syncookies, 1) => say!("a full SYN queue answers with cookies"),
        (Sysctl::Syncookies, 2) => say!("cookies always: nothing waits in the SYN queue"),
        (Sysctl::AbortOnOverflow, 0) => say!("a final ACK on a full accept queue is ignored"),
        (Sysctl::AbortOnOverflow, 1) => say!("a final ACK on a full accept queue is answered with RST"),
        (Sysctl::Somaxconn, _) => say!("the ceiling of every backlog"),
        _ => "",
    };
    let comma = if remark.is_empty() { "" } else { say!(": ") };
    Check::value(sysctl.name(), Group::Kernel, sysctl.name(), format!("{value}{comma}{remark}"))
}

const TRIAL_BACKLOG: i32 = 5;
const ENOUGH_FILES: u64 = 1024;
