//! Every handshake segment with its kernel timestamp: an AF_PACKET socket with an in-kernel filter and a mapped ring.
//!
//! Refused SYNs leave no drop event in the kernel; the wire is the only place that shows them all. The right needed
//! is CAP_NET_RAW in the namespace of the interface; [`allowed`] checks for it. Start at [`Tap::open`] for one
//! listener, at [`SynTap::open`](syn_tap::SynTap::open) for the arrivals of all.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Socket, Type};
use thiserror::Error;

use super::sys;
use crate::kernel::tap::decode::ListenerEnd;
use crate::kernel::tap::recent::{PacketKind, Recent};
use crate::kernel::tap::ring::Ring;
use crate::model::segment::{Segment, Toward};
use crate::say;
use crate::text::errno::describe;

pub mod decode;
mod filter;
pub mod frames;
mod recent;
mod ring;
pub mod syn_tap;

/// The loopback device has this index in every namespace (LOOPBACK_IFINDEX, include/net/flow.h).
pub const LOOPBACK: u32 = 1;

/// What to capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapPlan {
    /// The interface's index; 0 for all interfaces. On a veth pair take the kernel's end: it shows every segment of both directions
    /// once.
    pub interface: u32,
    /// True for loopback, which shows each packet twice, leaving and arriving: taken is the copy at the listener's end. A tap on all
    /// interfaces takes arriving copies there.
    pub loopback: bool,
    /// Which segments are captured.
    pub coverage: TapCoverage,
    /// The listener's port; segments from and to it are captured.
    pub listener_port: u16,
    /// The listener's address where it has one of its own: it decides the direction when both ends use the same port.
    pub listener: Option<IpAddr>,
    /// Size of the ring in bytes, rounded up to whole blocks of 64 KiB; a segment takes 256 bytes.
    pub ring_bytes: u32,
}

/// Which segments of the listener's port a tap captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapCoverage {
    /// All of them.
    Everything,
    /// SYN, FIN and RST of both directions, and the clients' ACKs without payload: all that a busy server's handshakes need. A last
    /// ACK that carries data already is not seen.
    Handshakes,
}

impl TapPlan {
    /// A ring for 16,384 segments (4 MiB): 40 ms of 100,000 handshakes per second.
    pub const RING_BYTES: u32 = 4 << 20;

    /// The plan for the listener at `port`, seen from the interface with this index.
    pub const fn new(interface: u32, port: u16) -> Self {
        let (loopback, coverage) = (false, TapCoverage::Everything);
        Self { interface, loopback, coverage, listener_port: port, listener: None, ring_bytes: Self::RING_BYTES }
    }

    /// The plan for another process's listener at `port`: handshakes on all interfaces, whatever their links are.
    /// Captured is what this machine receives and sends as the listening side, not what it forwards, nor its own
    /// connections to such a port elsewhere.
    pub const fn everywhere(port: u16) -> Self {
        Self { coverage: TapCoverage::Handshakes, ..Self::new(0, port) }
    }

    /// Whether packets are taken without their link's header.
    const fn is_cooked(&self) -> bool {
        self.interface == 0 || matches!(self.coverage, TapCoverage::Handshakes)
    }

    const fn scope(&self) -> TapScope {
        if self.interface == 0 { TapScope::All } else { TapScope::One(self.interface) }
    }
}

/// Why there is no tap.
#[derive(Debug, Error)]
#[error("{}", say!("the packet tap could not {operation} ({place}): {source}", operation, place = scope, source = describe(source)))]
pub struct TapError {
    operation: &'static str,
    scope: TapScope,
    source: io::Error,
}

/// The interfaces that a tap captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TapScope {
    All,
    One(u32),
}

impl fmt::Display for TapScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(say!("all interfaces")),
            Self::One(index) => f.write_str(&say!("interface {index}", index)),
        }
    }
}

impl TapError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        match self.source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) if self.scope == TapScope::All => {
                say!(
                    "packet sockets need CAP_NET_RAW: run qviz as root, or give it the right once: \
                 `sudo setcap cap_net_raw+ep $(command -v qviz)`"
                )
            }
            Some(libc::EPERM | libc::EACCES) => {
                say!("packet sockets need CAP_NET_RAW: run qviz in its own namespace (`qviz --net lab`), or as root")
            }
            Some(libc::ENODEV | libc::ENXIO) => say!("there is no such interface in this namespace: run `ip link`"),
            Some(libc::ENOMEM | libc::ENOBUFS) => say!("the kernel has no memory for the ring: ask for a smaller one"),
            Some(libc::EAFNOSUPPORT | libc::EINVAL | libc::ENOPROTOOPT) => {
                say!(
                    "this kernel was built without AF_PACKET or its rings (CONFIG_PACKET): run `modprobe af_packet` as root"
                )
            }
            _ => say!("run `qviz doctor` to see what works here; counters and queues need no tap"),
        }
    }
}

/// An open tap.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    ring: Ring,
    listener: ListenerEnd,
    cooked: Option<Recent>,
    loopback: bool,
}

/// A tap that holds its packet socket and filter but no ring yet: it captures nothing.
#[derive(Debug)]
pub struct IdleTap {
    socket: Socket,
    plan: TapPlan,
}

impl IdleTap {
    /// Opens the packet socket in the network namespace of the calling thread. It takes microseconds.
    ///
    /// # Errors
    /// [`TapError`] where the right is missing.
    pub fn open(plan: &TapPlan) -> Result<Self, TapError> {
        // Protocol 0 receives nothing until bind() gives another one: the filter is in place before the first packet.
        let kind = if plan.is_cooked() { Type::DGRAM } else { Type::RAW };
        let socket =
            Socket::new(Domain::PACKET, kind, None).map_err(failed(plan.scope(), say!("open a packet socket")))?;
        let program = if plan.is_cooked() {
            filter::cooked::port(plan.listener_port, plan.coverage)
        } else {
            filter::program(plan.listener_port, plan.loopback)
        };
        socket.attach_filter(&program).map_err(failed(plan.scope(), say!("attach its filter")))?;
        Ok(Self { socket, plan: *plan })
    }

    /// Maps the ring and binds. The kernel waits for all processors meanwhile (`synchronize_net` in
    /// `packet_set_ring`, net/packet/af_packet.c): 10 to 30 ms. From the return of this call on every segment is
    /// seen, and none from before.
    ///
    /// # Errors
    /// [`TapError`] where the interface or memory is missing.
    pub fn start(self) -> Result<Tap, TapError> {
        let Self { socket, plan } = self;
        let ring = Ring::map(&socket, plan.ring_bytes).map_err(failed(plan.scope(), say!("map its ring")))?;
        let whole = sys::link_address(plan.interface, libc::ETH_P_ALL as u16);
        socket.bind(&whole).map_err(failed(plan.scope(), say!("bind to the interface")))?;
        let cooked = plan.is_cooked().then(|| Recent::new(COPIES_REMEMBERED));
        let listener = ListenerEnd { port: plan.listener_port, address: plan.listener };
        Ok(Tap { socket, ring, listener, cooked, loopback: plan.loopback })
    }
}

fn failed(scope: TapScope, operation: &'static str) -> impl FnOnce(io::Error) -> TapError {
    move |source| TapError { operation, scope, source }
}

/// Whether this thread may tap all interfaces of its network namespace. It captures nothing and takes microseconds.
///
/// # Errors
/// [`TapError`] with the reason and, in its hint, what would help.
pub fn allowed() -> Result<(), TapError> {
    let opened = Socket::new(Domain::PACKET, Type::DGRAM, None);
    opened.map(drop).map_err(failed(TapScope::All, say!("open a packet socket")))
}

/// How many packets did not fit into a socket's ring since the last call.
fn lost(socket: &Socket) -> u64 {
    sys::option_words::<2>(socket, libc::SOL_PACKET, libc::PACKET_STATISTICS)
        .map_or(0, |[_seen, dropped]| dropped.into())
}

impl Tap {
    /// Opens the tap in the network namespace of the calling thread. From the return of this call on every segment is seen, and
    /// none from before.
    ///
    /// # Errors
    /// [`TapError`] where the right or the interface is missing.
    pub fn open(plan: &TapPlan) -> Result<Self, TapError> {
        IdleTap::open(plan)?.start()
    }

    /// Gives every segment that has arrived, in the order of arrival, with its kernel timestamp (nanoseconds of CLOCK_REALTIME),
    /// and returns their number. No system call is made.
    pub fn drain(&mut self, mut each: impl FnMut(u64, Segment)) -> usize {
        let (listener, cooked, loopback) = (self.listener, &mut self.cooked, self.loopback);
        let mut segments = 0;
        self.ring.drain(usize::MAX, |frame| {
            let segment = match cooked {
                // Where both ends have the same port the filter lets both copies pass.
                None => decode::segment(frame.bytes, listener)
                    .filter(|segment| !loopback || frame.leaving == (segment.toward == Toward::Client)),
                Some(recent) => decode::segment_of_ip(frame.bytes, listener)
                    .filter(|segment| recent.note(segment, frame.nanos, frame.interface) != PacketKind::Copy),
            };
            if let Some(segment) = segment {
                segments += 1;
                each(frame.nanos, segment);
            }
        });
        segments
    }

    /// How many segments did not fit into the ring since the last call (PACKET_STATISTICS, which starts anew with each reading).
    /// 0 where the kernel does not answer.
    pub fn dropped(&mut self) -> u64 {
        lost(&self.socket)
    }
}

/// Readable when segments have arrived.
impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Segments remembered to recognise copies at stacked interfaces, which follow within microseconds.
const COPIES_REMEMBERED: usize = 4096;
