//! The kernel's log, /dev/kmsg: what it says of listeners that it believes to be flooded with SYNs.
//!
//! Read without waiting. Who may not read it (kernel.dmesg_restrict without CAP_SYSLOG) has none. The log is one for all network namespaces.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

/// `Possible SYN flooding on port …` (tcp_syn_flood_action, net/ipv4/tcp_input.c): once for each listener, when its SYN queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodMessage {
    /// When, in the kernel's time since it was booted (`local_clock()`).
    pub since_boot: Duration,
    /// The listener's address; `None` before Linux 5.19, which named the port alone.
    pub ip: Option<IpAddr>,
    /// The listener's port.
    pub port: u16,
}

impl FloodMessage {
    /// True when it can be about a listener of this address.
    pub fn names(&self, address: SocketAddr) -> bool {
        self.port == address.port() && self.ip.is_none_or(|ip| ip == address.ip())
    }
}

/// An open log; a reading goes on where the one before it ended.
#[derive(Debug)]
pub struct KernelLog(File);

/// The longest record (PRINTK_MESSAGE_MAX, kernel/printk/internal.h).
const RECORD: usize = 8192;

/// At most so many records are read at once: a log of 16 MB holds no more.
const MOST: usize = 100_000;

impl KernelLog {
    /// Opens the log at its oldest record.
    ///
    /// # Errors
    /// EPERM where the kernel keeps its log from this user.
    pub fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").map(Self)
    }

    /// The messages since the last reading, oldest first.
    pub fn read(&mut self) -> Vec<FloodMessage> {
        let mut record = [0_u8; RECORD];
        let mut messages = Vec::new();
        for _ in 0..MOST {
            match self.0.read(&mut record) {
                Ok(0) => break,
                Ok(length) => messages.extend(parse(&String::from_utf8_lossy(&record[..length]))),
                // Records were overwritten before they were read; the next one is the oldest that is left.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(_) => break,
            }
        }
        messages
    }
}

/// The message of a record (Documentation/ABI/testing/dev-kmsg): `6,1234,5678901,-;TCP: request_sock_TCP: Possible SYN flooding on port …`.
fn parse(record: &str) -> Option<FloodMessage> {
    let (head, message) = record.split_once(';')?;
    let micros = head.split(',').nth(2)?.parse().ok()?;
    let (_, place) = message.split_once("ossible SYN flooding on port ")?;
    let place = place.split_whitespace().next()?.trim_end_matches('.');
    let (ip, port) = match place.parse::<SocketAddr>() {
        Ok(address) => (Some(address.ip()), address.port()),
        Err(_) => (None, place.parse().ok()?),
    };
    Some(FloodMessage { since_boot: Duration::from_micros(micros), ip, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(message: &str) -> Option<(Option<String>, u16)> {
        parse(&format!("6,19163,61341686031,-;{message}\n")).map(|one| (one.ip.map(|ip| ip.to_string()), one.port))
    }

    #[test]
    fn each_form_of_the_message_names_its_listener() {
        let with = |ip: &str, port| Some((Some(ip.to_owned()), port));
        let now = "TCP: request_sock_TCP: Possible SYN flooding on port 198.51.100.1:8080. Sending cookies.";
        assert_eq!(named(now), with("198.51.100.1", 8080));
        let v6 = "TCP: request_sock_TCPv6: Possible SYN flooding on port [::]:8080. Dropping request.";
        assert_eq!(named(v6), with("::", 8080));
        let v6 = "TCP: request_sock_TCPv6: Possible SYN flooding on port [2001:db8::1]:443. Sending cookies.";
        assert_eq!(named(v6), with("2001:db8::1", 443));
        let old = "TCP: request_sock_TCP: Possible SYN flooding on port 8080. Sending cookies.  Check SNMP counters.";
        assert_eq!(named(old), Some((None, 8080)));
        assert_eq!(named("possible SYN flooding on port 80. Sending cookies."), Some((None, 80)));
        assert_eq!(named("eth0: link becomes ready"), None);
        assert_eq!(named("TCP: Possible SYN flooding on port x. Sending cookies."), None);
    }

    #[test]
    fn a_record_has_its_time_and_a_caller_may_follow_that() {
        let record = "6,1234,5678901234,-,caller=T42;TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:80. Sending cookies.\n";
        let message = parse(record).unwrap();
        assert_eq!(message.since_boot, Duration::from_micros(5_678_901_234));
        assert!(message.names("0.0.0.0:80".parse().unwrap()) && !message.names("127.0.0.1:80".parse().unwrap()));
        let old = FloodMessage { ip: None, ..message };
        assert!(old.names("127.0.0.1:80".parse().unwrap()) && !old.names("127.0.0.1:81".parse().unwrap()));
    }
}
