//! The bytes of sock_diag: one request, and the rows of its answer read in place (`include/uapi/linux/inet_diag.h`).
//!
//! The request is the old TCPDIAG_GETSOCK: it alone asks for IPv4 and IPv6 in one walk of the kernel's tables
//! (`inet_diag_dump_compat`, `net/ipv4/inet_diag.c`, asks for AF_UNSPEC), where SOCK_DIAG_BY_FAMILY needs two.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Length of a request in bytes: a netlink header and `struct inet_diag_req`.
pub const REQUEST_BYTES: usize = HEADER + 60;

/// TCP_ESTABLISHED.
pub const ESTABLISHED: u8 = 1;
/// TCP_SYN_RECV.
pub const SYN_RECV: u8 = 3;
/// TCP_CLOSE_WAIT.
pub const CLOSE_WAIT: u8 = 8;
/// TCP_LISTEN.
pub const LISTEN: u8 = 10;

/// INET_DIAG_INFO: the attribute that holds `struct tcp_info`.
pub const INFO: u16 = 2;
/// INET_DIAG_SKMEMINFO: the attribute that holds what SO_MEMINFO gives.
pub const MEMORY: u16 = 7;

/// One socket of an answer: `struct inet_diag_msg` and the attributes that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// State by its number in `include/net/tcp_states.h`.
    pub state: u8,
    /// `idiag_retrans`.
    pub retransmits: u8,
    /// `idiag_sport` and `idiag_src`.
    pub local: SocketAddr,
    /// `idiag_dport` and `idiag_dst`.
    pub peer: SocketAddr,
    /// `idiag_cookie`.
    pub cookie: u64,
    /// `idiag_expires`, in milliseconds.
    pub expires_ms: u32,
    /// `idiag_rqueue`: bytes, or the accept queue's depth for a listener.
    pub rqueue: u32,
    /// `idiag_wqueue`: bytes, or the accept queue's limit for a listener.
    pub wqueue: u32,
    /// `idiag_uid`.
    pub uid: u32,
    /// `idiag_inode`; 0 for a socket that no process owns yet, or any more.
    pub inode: u32,
    /// True for a full socket. A half-open request is none: its row has no INET_DIAG_SHUTDOWN (`inet_req_diag_fill`).
    pub full: bool,
    /// `tcpi_last_data_sent`, in milliseconds.
    pub last_data_sent_ms: Option<u32>,
    /// SKMEMINFO's drops.
    pub drops: Option<u32>,
}

impl Row {
    /// True for a half-open request.
    pub const fn is_request(&self) -> bool {
        self.state == SYN_RECV && !self.full
    }

    /// True for a connection that waits for `accept()`: a full socket without an owner.
    pub const fn is_unaccepted(&self) -> bool {
        self.full && self.inode == 0
    }
}

/// One message of an answer.
#[derive(Debug)]
pub enum Message {
    /// A socket.
    Row {
        /// What was said of it.
        row: Row,
        /// NLM_F_DUMP_INTR was set.
        interrupted: bool,
    },
    /// The answer is complete.
    Done {
        /// NLM_F_DUMP_INTR was set.
        interrupted: bool,
    },
    /// The kernel refused, with this errno.
    Failed(i32),
}

/// The request for all TCP sockets in `states` (a bit per state) with the local `port` (0: any), carrying the attributes in
/// `extensions` (a bit per attribute, from 1).
pub fn request(sequence: u32, states: u32, extensions: u8, port: u16) -> [u8; REQUEST_BYTES] {
    let mut bytes = [0; REQUEST_BYTES];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, &(REQUEST_BYTES as u32).to_ne_bytes());
    put(4, &TCPDIAG_GETSOCK.to_ne_bytes());
    put(6, &((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    put(8, &sequence.to_ne_bytes());
    put(HEADER + 3, &[extensions]);
    put(HEADER + 4, &port.to_be_bytes());
    put(HEADER + 52, &states.to_ne_bytes());
    bytes
}

/// The messages of one datagram that answer the request `sequence`; others are passed over.
#[derive(Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    sequence: u32,
}

impl<'a> Messages<'a> {
    /// Reads `datagram`.
    pub const fn of(datagram: &'a [u8], sequence: u32) -> Self {
        Self { rest: datagram, sequence }
    }

    /// The next message of this request, or `None` at the end; an error where a length does not fit.
    fn read(&mut self) -> io::Result<Option<Message>> {
        while !self.rest.is_empty() {
            let length = word(self.rest, 0)? as usize;
            let kind = half(self.rest, 4)?;
            let flags = half(self.rest, 6)?;
            let sequence = word(self.rest, 8)?;
            let body = self.rest.get(HEADER..length).ok_or(io::ErrorKind::InvalidData)?;
            self.rest = self.rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
            if sequence != self.sequence {
                continue;
            }
            let interrupted = i32::from(flags) & libc::NLM_F_DUMP_INTR != 0;
            match i32::from(kind) {
                libc::NLMSG_NOOP => {}
                libc::NLMSG_DONE => return Ok(Some(finished(body, interrupted))),
                libc::NLMSG_ERROR => return Ok(Some(Message::Failed(word(body, 0)?.cast_signed().wrapping_neg()))),
                _ => return row(body).map(|row| Some(Message::Row { row, interrupted })),
            }
        }
        Ok(None)
    }
}

impl Iterator for Messages<'_> {
    type Item = io::Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.read();
        if message.is_err() {
            self.rest = &[];
        }
        message.transpose()
    }
}

/// NLMSG_DONE carries the dump's own result, negative where it failed.
fn finished(body: &[u8], interrupted: bool) -> Message {
    match word(body, 0).map(u32::cast_signed) {
        Ok(result) if result < 0 => Message::Failed(result.wrapping_neg()),
        _ => Message::Done { interrupted },
    }
}

/// Reads `struct inet_diag_msg` and the attributes after it.
fn row(body: &[u8]) -> io::Result<Row> {
    let fixed = body.first_chunk::<72>().ok_or(io::ErrorKind::InvalidData)?;
    let ipv4 = i32::from(fixed[0]) == libc::AF_INET;
    let mut row = Row {
        state: fixed[1],
        retransmits: fixed[3],
        local: address(ipv4, &fixed[4..6], &fixed[8..24]),
        peer: address(ipv4, &fixed[6..8], &fixed[24..40]),
        cookie: u64::from(word(fixed, 44)?) | u64::from(word(fixed, 48)?) << 32,
        expires_ms: word(fixed, 52)?,
        rqueue: word(fixed, 56)?,
        wqueue: word(fixed, 60)?,
        uid: word(fixed, 64)?,
        inode: word(fixed, 68)?,
        full: false,
        last_data_sent_ms: None,
        drops: None,
    };
    let mut rest = &body[72..];
    while rest.len() >= 4 {
        let length = usize::from(half(rest, 0)?);
        let attribute = rest.get(4..length).ok_or(io::ErrorKind::InvalidData)?;
        match half(rest, 2)? {
            SHUTDOWN => row.full = true,
            INFO => row.last_data_sent_ms = word(attribute, LAST_DATA_SENT).ok(),
            MEMORY => row.drops = word(attribute, DROPS).ok(),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    Ok(row)
}

/// Callers give 2 and 16 bytes.
fn address(ipv4: bool, port: &[u8], ip: &[u8]) -> SocketAddr {
    let mut octets = [0; 16];
    octets.copy_from_slice(ip);
    let ip = if ipv4 {
        IpAddr::V4(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
    } else {
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    SocketAddr::new(ip, u16::from_be_bytes([port[0], port[1]]))
}

fn word(bytes: &[u8], at: usize) -> io::Result<u32> {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(io::ErrorKind::InvalidData)?;
    Ok(u32::from_ne_bytes(*four))
}

fn half(bytes: &[u8], at: usize) -> io::Result<u16> {
    let two = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(io::ErrorKind::InvalidData)?;
    Ok(u16::from_ne_bytes(*two))
}

/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;

/// NLMSG_ALIGNTO and NLA_ALIGNTO.
const ALIGN: usize = 4;

/// The message type of `include/uapi/linux/inet_diag.h`.
const TCPDIAG_GETSOCK: u16 = 18;

/// INET_DIAG_SHUTDOWN: every full socket has this attribute, asked for or not (`inet_diag_msg_attrs_fill`).
const SHUTDOWN: u16 = 8;

/// Bytes from the start of `struct tcp_info`.
const LAST_DATA_SENT: usize = 44;

/// Bytes from the start of SKMEMINFO: SK_MEMINFO_DROPS.
const DROPS: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One netlink message around `body`.
    fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
        bytes
    }

    fn body() -> Vec<u8> {
        let mut bytes = vec![0; 72];
        bytes[..4].copy_from_slice(&[libc::AF_INET as u8, SYN_RECV, 1, 2]);
        bytes[6..8].copy_from_slice(&4000_u16.to_be_bytes());
        bytes[24..28].copy_from_slice(&[198, 18, 0, 9]);
        bytes[44..52].copy_from_slice(&0x1_0000_0007_u64.to_ne_bytes());
        bytes[52..56].copy_from_slice(&960_u32.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_request_row_is_read_in_place() {
        let datagram = message(TCPDIAG_GETSOCK, libc::NLM_F_DUMP_INTR as u16, 5, &body());
        let Some(Ok(Message::Row { row, interrupted })) = Messages::of(&datagram, 5).next() else { panic!() };
        assert!(interrupted && row.is_request() && !row.is_unaccepted());
        assert_eq!(row.peer, "198.18.0.9:4000".parse().unwrap());
        assert_eq!((row.retransmits, row.expires_ms, row.cookie), (2, 960, 0x1_0000_0007));
    }

    #[test]
    fn a_full_socket_in_syn_recv_is_a_fast_open_child_and_no_request() {
        let mut bytes = body();
        bytes.extend([5, 0, 8, 0, 0, 0, 0, 0]);
        let row = row(&bytes).unwrap();
        assert!(!row.is_request() && row.is_unaccepted());
    }

    #[test]
    fn answers_to_another_request_are_passed_over() {
        let mut datagram = message(TCPDIAG_GETSOCK, 0, 4, &body());
        datagram.extend(message(libc::NLMSG_DONE as u16, 0, 5, &[0; 4]));
        let all: Vec<_> = Messages::of(&datagram, 5).collect();
        assert!(matches!(all[..], [Ok(Message::Done { interrupted: false })]), "{all:?}");
    }

    #[test]
    fn an_error_is_told_as_its_errno() {
        for kind in [libc::NLMSG_ERROR, libc::NLMSG_DONE] {
            let datagram = message(kind as u16, 0, 5, &(-libc::ENOENT).to_ne_bytes());
            let first = Messages::of(&datagram, 5).next();
            assert!(matches!(first, Some(Ok(Message::Failed(libc::ENOENT)))), "{first:?}");
        }
    }

    #[test]
    fn a_message_cut_short_is_an_error_once() {
        let datagram = message(TCPDIAG_GETSOCK, 0, 5, &body());
        for cut in 1..datagram.len() {
            let all: Vec<_> = Messages::of(&datagram[..cut], 5).collect();
            assert!(matches!(all[..], [Err(_)]), "{cut}: {all:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_run_for_ever(
            lengths in prop::collection::vec(0_u32..200, 1..6),
            noise in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let mut datagram = noise.clone();
            for (number, length) in lengths.iter().enumerate() {
                let at = number * 88;
                if let Some(place) = datagram.get_mut(at..at + 4) {
                    place.copy_from_slice(&length.to_ne_bytes());
                }
                if let Some(place) = datagram.get_mut(at + 8..at + 12) {
                    place.copy_from_slice(&5_u32.to_ne_bytes());
                }
            }
            prop_assert!(Messages::of(&datagram, 5).count() <= datagram.len());
        }
    }
}
