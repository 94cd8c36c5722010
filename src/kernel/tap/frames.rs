//! Whole frames that arrive at one interface: what the wire between clients and listener carries on.
//!
//! The socket sees what comes from the other end of a veth pair, and not what this process sends there itself. It stays in the
//! network namespace in which it was opened. Start at [`IdleFrames::open`].

use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Socket, Type};

use super::decode::{self, ListenerEnd};
use super::ring::Ring;
use super::{TapError, TapScope, failed, lost};
use crate::kernel::sys;
use crate::model::segment::Segment;
use crate::say;

/// A packet socket that captures nothing yet.
#[derive(Debug)]
pub struct IdleFrames {
    socket: Socket,
    interface: u32,
}

/// The frames that arrive at an interface, in their order.
#[derive(Debug)]
pub struct Frames {
    socket: Socket,
    ring: Ring,
}

impl IdleFrames {
    /// Opens the packet socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// [`TapError`] where the right is missing.
    pub fn open(interface: u32) -> Result<Self, TapError> {
        let failed = |operation| failed(TapScope::One(interface), operation);
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).map_err(failed(say!("open a packet socket")))?;
        sys::set_option_words(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, [1])
            .map_err(failed(say!("leave out what is sent")))?;
        Ok(Self { socket, interface })
    }

    /// Maps the ring of at least `bytes` bytes (2,048 a frame) and binds. From the return of this call on every frame is seen, and none
    /// from before. The kernel waits for all processors meanwhile, as in [`super::IdleTap::start`].
    ///
    /// # Errors
    /// [`TapError`] where the interface or memory is missing.
    pub fn start(self, bytes: u32) -> Result<Frames, TapError> {
        let failed = |operation| failed(TapScope::One(self.interface), operation);
        let ring = Ring::map_whole(&self.socket, bytes).map_err(failed(say!("map its ring")))?;
        let whole = sys::link_address(self.interface, libc::ETH_P_ALL as u16);
        self.socket.bind(&whole).map_err(failed(say!("bind to the interface")))?;
        Ok(Frames { socket: self.socket, ring })
    }
}

impl Frames {
    /// Gives the frames that have arrived, at most `most`, and at most one turn of the ring. No system call is made.
    pub fn drain(&mut self, most: usize, mut each: impl FnMut(&[u8])) {
        self.ring.drain(most, |frame| each(frame.bytes));
    }

    /// How many frames did not fit into the ring since the last call.
    pub fn dropped(&mut self) -> u64 {
        lost(&self.socket)
    }
}

/// Readable when frames have arrived.
impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The TCP segment between a client and the listener in a frame, if it is one.
pub fn segment(frame: &[u8], listener: ListenerEnd) -> Option<Segment> {
    decode::segment(frame, listener)
}

/// include/uapi/linux/if_packet.h (Linux 4.20)
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
