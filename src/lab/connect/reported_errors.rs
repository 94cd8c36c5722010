//! Why clients could not start, reported once for each errno, with a remedy.

use std::net::SocketAddr;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::errno::describe_errno;

/// The errnos that have been reported.
#[derive(Debug, Default)]
pub(super) struct ReportedErrors {
    reported: Vec<Errno>,
}

impl ReportedErrors {
    /// Reports that `live` clients are open and the limit of descriptors allows no more.
    pub(super) fn full(&mut self, now: Stamp, live: usize, out: &mut Vec<Stamped>) {
        let limit =
            getrlimit(Resource::Nofile).current.map_or_else(|| say!("unlimited").to_owned(), |limit| limit.to_string());
        self.report(now, Errno::MFILE, out, || {
            say!(
                "{live} clients are under way, and the limit of open files ({limit}) allows no more: the arrivals beyond are \
                 skipped; raise it with `ulimit -n 4096`",
                live,
                limit
            )
        });
    }

    /// Reports that a client's socket could not be opened, bound or connected; no SYN was sent.
    pub(super) fn failed(&mut self, now: Stamp, errno: Errno, target: SocketAddr, out: &mut Vec<Stamped>) {
        self.report(now, errno, out, || match errno {
            Errno::MFILE | Errno::NFILE => {
                say!("a client could not start: no file descriptor is left; raise the limit with `ulimit -n 4096`").to_owned()
            }
            Errno::ADDRNOTAVAIL => {
                let many = if target.is_ipv6() { say!(", or listen on IPv4, where clients have many addresses") } else { "" };
                say!(
                    "a client could not start: no source port toward {target} is left (EADDRNOTAVAIL); no SYN was sent. Widen \
                     net.ipv4.ip_local_port_range{many}",
                    target,
                    many
                )
            }
            errno => say!("a client could not start: {why}; no SYN was sent", why = describe_errno(errno.raw_os_error())),
        });
    }

    fn report(&mut self, now: Stamp, reason: Errno, out: &mut Vec<Stamped>, message: impl FnOnce() -> String) {
        if !self.reported.contains(&reason) {
            self.reported.push(reason);
            out.push(Stamped { at: now, event: Event::Refused { message: Message::of(message) } });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_reported_once() {
        let (mut errors, mut out) = (ReportedErrors::default(), Vec::new());
        let target = SocketAddr::from(([127, 0, 0, 1], 8080));
        for ms in 0..10 {
            let now = Stamp::from_millis(ms);
            errors.full(now, 16, &mut out);
            errors.failed(now, Errno::MFILE, target, &mut out);
            errors.failed(now, Errno::ADDRNOTAVAIL, target, &mut out);
            errors.failed(now, Errno::NETUNREACH, target, &mut out);
        }
        let messages: Vec<_> = out
            .iter()
            .map(|fact| if let Event::Refused { message } = &fact.event { message.to_string() } else { String::new() })
            .collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages[0].contains("ulimit -n 4096") && messages[1].contains("ip_local_port_range"), "{messages:?}");
        assert!(messages[2].contains("os error 101"), "{messages:?}");
    }
}
