//! Every handshake segment with its kernel timestamp: an AF_PACKET socket with an in-kernel filter and a mapped ring.
//!
//! Refused SYNs leave no drop event in the kernel; the wire is the only place that shows them all. The right needed is
//! CAP_NET_RAW in the namespace of the interface. Start at [`Tap::open`].

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Socket, Type};
use thiserror::Error;

use super::sys;
use crate::kernel::tap::decode::Ends;
use crate::kernel::tap::ring::Ring;
use crate::model::segment::Segment;

pub mod decode;
mod filter;
mod ring;

/// What to listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapPlan {
    /// The interface's index. On a veth pair take the kernel's end: it shows every segment of both directions once.
    pub interface: u32,
    /// True for loopback, which shows each packet twice, leaving and arriving: only the arriving copy is taken.
    pub loopback: bool,
    /// The listener's port; segments from and to it are seen.
    pub listener_port: u16,
    /// The listener's address where it has one of its own: it tells the direction when both ends use the same port.
    pub listener: Option<IpAddr>,
    /// Size of the ring in bytes, rounded up to whole blocks of 64 KiB; a segment takes 256 bytes.
    pub ring_bytes: u32,
}

impl TapPlan {
    /// A ring for 16,384 segments (4 MiB): 40 ms of 100,000 handshakes per second.
    pub const RING_BYTES: u32 = 4 << 20;

    /// The plan for the listener at `port`, seen from the interface with this index.
    pub const fn new(interface: u32, port: u16) -> Self {
        Self { interface, loopback: false, listener_port: port, listener: None, ring_bytes: Self::RING_BYTES }
    }
}

/// Why there is no tap.
#[derive(Debug, Error)]
#[error("the packet tap could not {operation} (interface {interface}): {source}")]
pub struct TapError {
    operation: &'static str,
    interface: u32,
    source: io::Error,
}

impl TapError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        match self.source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                "packet sockets need CAP_NET_RAW: run qviz in its own namespace (`qviz --net lab`), or as root"
            }
            Some(libc::ENODEV | libc::ENXIO) => "there is no such interface in this namespace: run `ip link`",
            Some(libc::ENOMEM | libc::ENOBUFS) => "the kernel has no memory for the ring: ask for a smaller one",
            Some(libc::EAFNOSUPPORT | libc::EINVAL | libc::ENOPROTOOPT) => {
                "this kernel was built without AF_PACKET or its rings (CONFIG_PACKET): run `modprobe af_packet` as root"
            }
            _ => "run `qviz doctor` to see what works here; counters and queues need no tap",
        }
    }
}

/// An open tap.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    ring: Ring,
    ends: Ends,
}

/// A tap that may look and has no ring yet: it sees nothing.
#[derive(Debug)]
pub struct BlindTap {
    socket: Socket,
    plan: TapPlan,
}

impl BlindTap {
    /// Asks for the right to look, in the network namespace of the calling thread. It takes microseconds.
    ///
    /// # Errors
    /// [`TapError`] where the right is missing.
    pub fn open(plan: &TapPlan) -> Result<Self, TapError> {
        // Protocol 0 receives nothing until bind() gives another one: the filter is in place before the first packet.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).map_err(failed(plan, "open a packet socket"))?;
        let program = filter::program(plan.listener_port, plan.loopback);
        socket.attach_filter(&program).map_err(failed(plan, "attach its filter"))?;
        Ok(Self { socket, plan: *plan })
    }

    /// Gives it its ring. The kernel waits for all its processors meanwhile (`synchronize_net` in `packet_set_ring`,
    /// net/packet/af_packet.c): 10 to 30 ms. From the return of this call on every segment is seen, and none from before.
    ///
    /// # Errors
    /// [`TapError`] where the interface or memory is missing.
    pub fn see(self) -> Result<Tap, TapError> {
        let Self { socket, plan } = self;
        let ring = Ring::map(&socket, plan.ring_bytes).map_err(failed(&plan, "map its ring"))?;
        let whole = sys::link_address(plan.interface, libc::ETH_P_ALL as u16);
        socket.bind(&whole).map_err(failed(&plan, "bind to the interface"))?;
        Ok(Tap { socket, ring, ends: Ends { port: plan.listener_port, address: plan.listener } })
    }
}

fn failed(plan: &TapPlan, operation: &'static str) -> impl FnOnce(io::Error) -> TapError {
    let interface = plan.interface;
    move |source| TapError { operation, interface, source }
}

impl Tap {
    /// Opens the tap in the network namespace of the calling thread. From the return of this call on every segment is seen, and
    /// none from before.
    ///
    /// # Errors
    /// [`TapError`] where the right or the interface is missing.
    pub fn open(plan: &TapPlan) -> Result<Self, TapError> {
        BlindTap::open(plan)?.see()
    }

    /// Gives every segment that has arrived, in the order of arrival, with its kernel timestamp (nanoseconds of CLOCK_REALTIME),
    /// and returns their number. No system call is made.
    pub fn drain(&mut self, mut each: impl FnMut(u64, Segment)) -> usize {
        let ends = self.ends;
        let mut segments = 0;
        self.ring.drain(|nanos, frame| {
            if let Some(segment) = decode::segment(frame, ends) {
                segments += 1;
                each(nanos, segment);
            }
        });
        segments
    }

    /// How many segments did not fit into the ring since the last call (PACKET_STATISTICS, which starts anew with each reading).
    /// 0 where the kernel does not answer.
    pub fn dropped(&mut self) -> u64 {
        sys::option_words::<2>(&self.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS)
            .map_or(0, |[_seen, dropped]| dropped.into())
    }
}

/// Readable when segments have arrived.
impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
