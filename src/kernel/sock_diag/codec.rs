//! The bytes of sock_diag: one request, and the rows of its answer read in place (`include/uapi/linux/inet_diag.h`).
//!
//! The request is the old TCPDIAG_GETSOCK: it alone asks for IPv4 and IPv6 in one walk of the kernel's tables
//! (`inet_diag_dump_compat`, `net/ipv4/inet_diag.c`, asks for AF_UNSPEC), where SOCK_DIAG_BY_FAMILY needs two.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::kernel::sock_diag::envelope::{HEADER, attributes, word};

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
    /// INET_DIAG_SKV6ONLY: a listener of IPv6 always has it.
    pub v6_only: Option<bool>,
}

impl Row {
    /// Reads `struct inet_diag_msg` and the attributes after it.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where it is cut short.
    pub fn read(body: &[u8]) -> io::Result<Self> {
        row(body)
    }

    /// True for a half-open request.
    pub const fn is_request(&self) -> bool {
        self.state == SYN_RECV && !self.full
    }

    /// True for a listening socket.
    pub const fn is_listener(&self) -> bool {
        self.state == LISTEN
    }

    /// True for a connection that waits for `accept()`: a full socket without an owner.
    pub const fn is_unaccepted(&self) -> bool {
        self.full && self.inode == 0
    }
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

fn row(body: &[u8]) -> io::Result<Row> {
    let fixed = body.first_chunk::<72>().ok_or(io::ErrorKind::InvalidData)?;
    let ipv4 = i32::from(fixed[0]) == libc::AF_INET;
    let interface = word(fixed, 40)?;
    let mut row = Row {
        state: fixed[1],
        retransmits: fixed[3],
        local: address(ipv4, interface, &fixed[4..6], &fixed[8..24]),
        peer: address(ipv4, interface, &fixed[6..8], &fixed[24..40]),
        cookie: u64::from(word(fixed, 44)?) | u64::from(word(fixed, 48)?) << 32,
        expires_ms: word(fixed, 52)?,
        rqueue: word(fixed, 56)?,
        wqueue: word(fixed, 60)?,
        uid: word(fixed, 64)?,
        inode: word(fixed, 68)?,
        full: false,
        last_data_sent_ms: None,
        drops: None,
        v6_only: None,
    };
    for attribute in attributes(&body[72..]) {
        let (kind, payload) = attribute?;
        match kind {
            SHUTDOWN => row.full = true,
            INFO => row.last_data_sent_ms = word(payload, LAST_DATA_SENT).ok(),
            MEMORY => row.drops = word(payload, DROPS).ok(),
            V6_ONLY => row.v6_only = payload.first().map(|byte| *byte != 0),
            _ => {}
        }
    }
    Ok(row)
}

/// Callers give 2 and 16 bytes. An address that means nothing without its interface (`fe80::/10`) carries that interface's index.
fn address(ipv4: bool, interface: u32, port: &[u8], ip: &[u8]) -> SocketAddr {
    let mut octets = [0; 16];
    octets.copy_from_slice(ip);
    let port = u16::from_be_bytes([port[0], port[1]]);
    if ipv4 {
        let ip = Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]);
        return SocketAddrV4::new(ip, port).into();
    }
    let ip = Ipv6Addr::from(octets);
    SocketAddrV6::new(ip, port, 0, if ip.is_unicast_link_local() { interface } else { 0 }).into()
}

/// The message type of `include/uapi/linux/inet_diag.h`.
const TCPDIAG_GETSOCK: u16 = 18;

/// INET_DIAG_SHUTDOWN: every full socket has this attribute, asked for or not (`inet_diag_msg_attrs_fill`).
const SHUTDOWN: u16 = 8;

/// INET_DIAG_SKV6ONLY: every IPv6 listener has it, asked for or not (`inet_diag_msg_attrs_fill`).
const V6_ONLY: u16 = 11;

/// Bytes from the start of `struct tcp_info`.
const LAST_DATA_SENT: usize = 44;

/// Bytes from the start of SKMEMINFO: SK_MEMINFO_DROPS.
const DROPS: usize = 32;
