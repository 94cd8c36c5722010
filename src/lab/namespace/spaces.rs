//! The three namespaces as descriptors, and how a child hands them over.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// The namespaces of the network.
#[derive(Debug)]
pub(super) struct Namespaces {
    /// Between the two others: the ends of both pairs that qviz holds.
    pub(super) wire: OwnedFd,
    /// Where real client programs run.
    pub(super) clients: OwnedFd,
    /// Where the listener is; the builder stands here in the end.
    pub(super) server: OwnedFd,
}

/// Hands the namespaces' descriptors over (SCM_RIGHTS, unix(7)).
pub(super) fn send(socket: BorrowedFd<'_>, spaces: &Namespaces) -> Result<(), Errno> {
    let fds = [spaces.wire.as_fd(), spaces.clients.as_fd(), spaces.server.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(socket, &[IoSlice::new(b"3")], &mut ancillary, SendFlags::empty()).map(|_| ())
}

/// The namespaces that a child has handed over before it reported; `None` where it had none to give.
pub(super) fn receive(socket: BorrowedFd<'_>) -> Result<Option<Namespaces>, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0; 1];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    match recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, flags) {
        Err(Errno::AGAIN) => return Ok(None),
        received => received?,
    };
    let mut fds = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
        _ => Vec::new(),
    });
    match (fds.next(), fds.next(), fds.next()) {
        (Some(wire), Some(clients), Some(server)) => Ok(Some(Namespaces { wire, clients, server })),
        (None, None, None) => Ok(None),
        _ => Err(Errno::MFILE),
    }
}
