//! Every SYN that arrives, for every port and on all interfaces: it counts arrivals per listener and captures nothing
//! else.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Socket, Type};

use super::recent::{PacketKind, Recent};
use super::ring::Ring;
use super::{TapError, TapScope, decode, failed, filter};
use crate::kernel::sys;
use crate::model::peer::Peer;
use crate::say;

/// An open tap for SYNs.
#[derive(Debug)]
pub struct SynTap {
    socket: Socket,
    ring: Ring,
    recent: Recent,
}

/// One SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynPacket {
    /// Its destination.
    pub local: SocketAddr,
    /// Its source: the client.
    pub peer: Peer,
    /// True when it has been sent before (the same client, port and sequence number within 180 s). The table is
    /// bounded: at 10,000 SYNs per second about one in seven retransmits within a second is counted as a first SYN.
    pub retransmit: bool,
}

impl SynTap {
    /// Opens it in the network namespace of the calling thread. From the return of this call on every SYN is seen.
    ///
    /// # Errors
    /// [`TapError`] where the right (CAP_NET_RAW) or the memory is missing.
    pub fn open() -> Result<Self, TapError> {
        let everywhere = TapScope::All;
        let socket =
            Socket::new(Domain::PACKET, Type::DGRAM, None).map_err(failed(everywhere, say!("open a packet socket")))?;
        socket.attach_filter(&filter::cooked::syns()).map_err(failed(everywhere, say!("attach its filter")))?;
        // Linux before 4.20 does not have the option; there the filter alone skips outgoing packets.
        let _spared = sys::set_option_words(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, [1]);
        let ring = Ring::map(&socket, RING_BYTES).map_err(failed(everywhere, say!("map its ring")))?;
        let tap = Self { socket, ring, recent: Recent::new(REMEMBERED) };
        tap.resume()?;
        Ok(tap)
    }

    /// Gives every SYN that has arrived, with its kernel timestamp (nanoseconds of CLOCK_REALTIME), and returns their number. No
    /// system call is made.
    pub fn drain(&mut self, mut each: impl FnMut(u64, SynPacket)) -> usize {
        let recent = &mut self.recent;
        let mut syns = 0;
        self.ring.drain(usize::MAX, |frame| {
            let Some((peer, to, sequence)) = decode::syn_of(frame.bytes) else { return };
            let kind = recent.note((peer, to, sequence), frame.nanos, frame.interface);
            if kind != PacketKind::Copy {
                syns += 1;
                each(frame.nanos, SynPacket { local: to, peer, retransmit: kind == PacketKind::Retransmit });
            }
        });
        syns
    }

    /// Takes nothing from now on, and costs no packet anything: no frame has the type that it asks for. It waits for all processors
    /// (`synchronize_net`), 10 to 30 ms.
    ///
    /// # Errors
    /// When the kernel refuses; then it goes on.
    pub fn pause(&self) -> Result<(), TapError> {
        self.bind(RESERVED)
    }

    /// Takes every SYN again, from the return of this call on.
    ///
    /// # Errors
    /// When the kernel refuses; then it takes nothing.
    pub fn resume(&self) -> Result<(), TapError> {
        self.bind(libc::ETH_P_ALL as u16)
    }

    fn bind(&self, protocol: u16) -> Result<(), TapError> {
        let all = sys::link_address(0, protocol);
        self.socket.bind(&all).map_err(failed(TapScope::All, say!("bind to all interfaces")))
    }

    /// How many SYNs did not fit into the ring since the last call. 0 where the kernel does not answer.
    pub fn dropped(&mut self) -> u64 {
        super::lost(&self.socket)
    }
}

/// Readable when SYNs have arrived.
impl AsFd for SynTap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// include/uapi/linux/if_packet.h; what this machine sends is then not even copied for the tap.
const PACKET_IGNORE_OUTGOING: i32 = 23;

/// A type that no frame has (IEEE 802: reserved).
const RESERVED: u16 = 0xffff;

/// 8,192 SYNs.
const RING_BYTES: u32 = 2 << 20;

/// SYNs remembered; 24 bytes each.
const REMEMBERED: usize = 1 << 16;
