//! The AF_PACKET socket that sends the clients' frames; it cannot be opened outside a namespace that qviz made.
//!
//! It receives nothing (protocol 0) and sends from the clients' end of the veth pair only. Start at [`Transmit::open`].

mod link;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use socket2::{Domain, Socket, Type};
use thiserror::Error;

use super::Destination;
use super::bytes::{FrameError, Frames, Macs};
use super::icmp::{self, QuotedSegment, Unreachable};
use crate::lab::namespace::{Link, LinkPair, NetnsToken};
use crate::model::segment::Segment;
use crate::say;
use crate::text::errno::describe;

/// Why there is no sender, or why a segment was not sent.
#[derive(Debug, Error)]
pub enum TransmitError {
    /// The calling thread is not in the namespace of the token.
    #[error("{}", say!("packets are not sent from {link}: this is not the private network that qviz made", link))]
    NotOurs {
        /// The interface.
        link: String,
    },
    /// The kernel refused.
    #[error("{}", say!("the packet socket on {link} could not {operation}: {source}", link, operation, source = describe(source)))]
    Socket {
        /// The operation that failed.
        operation: Operation,
        /// The interface.
        link: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// The segment cannot be a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The operation on a packet socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opening it.
    Open,
    /// Binding it to the clients' end.
    Bind,
    /// Sending.
    Send,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => say!("be opened"),
            Self::Bind => say!("bind to the clients' end"),
            Self::Send => say!("send"),
        })
    }
}

impl TransmitError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => {
                say!("run with `--net lab`, or with `--client connect` on the host; qviz never sends raw packets there")
            }
            Self::Socket { operation: Operation::Open, .. } => {
                say!("packet sockets need CAP_NET_RAW in the namespace: run `qviz doctor`, or use `--client connect`")
            }
            Self::Socket { .. } => {
                say!("the interface is gone or has no memory left: lower --rate, or start qviz again")
            }
            Self::Frame(error) => error.hint(),
        }
    }
}

/// The sender of all packet-level clients.
#[derive(Debug)]
pub struct Transmit {
    socket: Socket,
    frames: Frames,
    macs: Macs,
    link: String,
}

impl Transmit {
    /// Opens the sender on the clients' end of the pair, for clients of this listener.
    ///
    /// # Errors
    ///
    /// [`TransmitError::NotOurs`] unless the calling thread is in the namespace of the token;
    /// [`TransmitError::Socket`] when packet sockets are not available.
    pub fn open(token: &NetnsToken, listener: SocketAddr) -> Result<Self, TransmitError> {
        let LinkPair { wire: wire_to_server, far: server_end } = token.server();
        if !token.is_current() {
            return Err(TransmitError::NotOurs { link: wire_to_server.name.clone() });
        }
        let opened = token.in_wire(|| open_socket(wire_to_server));
        let socket = opened.map_err(|_| TransmitError::NotOurs { link: wire_to_server.name.clone() })??;
        let macs = Macs { client: wire_to_server.mac, kernel: server_end.mac };
        let frames = Frames::new(macs, &Destination::from(listener));
        Ok(Self { socket, frames, macs, link: wire_to_server.name.clone() })
    }

    /// The frame of a segment, as [`Transmit::send`] sends it.
    ///
    /// # Errors
    /// [`TransmitError::Frame`] for a segment that cannot be a frame.
    pub fn frame(&mut self, segment: &Segment) -> Result<&[u8], TransmitError> {
        Ok(self.frames.frame(segment)?)
    }

    /// Sends one segment. When the kernel's buffers are full, it waits up to [`MAX_WAIT_MS`] milliseconds.
    ///
    /// # Errors
    ///
    /// [`TransmitError::Frame`] for a segment that cannot be a frame, [`TransmitError::Socket`] when the kernel
    /// refuses it. The next segment may still be sent.
    pub fn send(&mut self, segment: &Segment) -> Result<(), TransmitError> {
        let frame = self.frames.frame(segment)?;
        send_frame(&self.socket, frame).map_err(|errno| failed(Operation::Send, &self.link, errno.into()))
    }

    /// Sends the ICMP error of a router that cannot forward a segment.
    ///
    /// # Errors
    ///
    /// [`TransmitError::Socket`] when the kernel refuses it.
    pub fn send_unreachable(
        &mut self,
        router: Ipv4Addr,
        why: Unreachable,
        quoted: &QuotedSegment,
    ) -> Result<(), TransmitError> {
        let frame = icmp::frame(self.macs, router, why, quoted);
        send_frame(&self.socket, &frame).map_err(|errno| failed(Operation::Send, &self.link, errno.into()))
    }
}

pub(super) fn open_socket(wire_to_server: &Link) -> Result<Socket, TransmitError> {
    let failed = |operation| move |source| failed(operation, &wire_to_server.name, source);
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None).map_err(failed(Operation::Open))?;
    let address = link::sending_address(wire_to_server.index);
    socket.bind(&address).map_err(failed(Operation::Bind))?;
    Ok(socket)
}

/// Sends a frame; waits for a full device or buffer up to [`MAX_WAIT_MS`] milliseconds.
pub(super) fn send_frame(socket: &Socket, frame: &[u8]) -> Result<(), Errno> {
    let mut left = MAX_WAIT_MS;
    loop {
        match send(socket, frame, SendFlags::DONTWAIT) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::NOBUFS) if left > 0 => {
                left -= 1;
                let millisecond = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
                // ENOBUFS leaves the socket writable: then poll for nothing, to wait one millisecond.
                let writable = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)];
                let quiet = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::empty())];
                let mut fds = if left + 1 == MAX_WAIT_MS { writable } else { quiet };
                let _interrupted = poll(&mut fds, Some(&millisecond));
            }
            Err(errno) => return Err(errno),
        }
    }
}

pub(super) fn failed(operation: Operation, link: &str, source: io::Error) -> TransmitError {
    TransmitError::Socket { operation, link: link.to_owned(), source }
}

/// The maximum wait for one frame, in milliseconds.
const MAX_WAIT_MS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::namespace::token_for_other_netns;

    #[test]
    fn nothing_is_opened_where_the_pass_does_not_hold() {
        let refused = Transmit::open(&token_for_other_netns(), "198.51.100.1:8080".parse().unwrap());
        assert!(matches!(refused, Err(TransmitError::NotOurs { .. })), "{refused:?}");
    }

    #[test]
    fn a_full_socket_is_waited_for_and_then_given_up() {
        let (full, _peer) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        full.set_nonblocking(true).unwrap();
        let end = (0..100_000).find_map(|_| send_frame(&full, &[0; 1000]).err());
        assert_eq!(end, Some(Errno::AGAIN));
    }
}
