//! One epoll for many sockets. Only sockets that were not ready at first are registered, so that short connections
//! cost nothing here.

use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::slab::Key;
use crate::say;
use crate::text::errno::describe;

/// Ready sockets returned by one call; more keep the epoll readable.
const READY_PER_TURN: usize = 128;

/// epoll is not available.
#[derive(Debug, thiserror::Error)]
#[error("{}", say!("cannot create an epoll for the {side}: {source}", side, source = describe(&(*source).into())))]
pub struct PollError {
    /// The side whose sockets it was for.
    pub side: &'static str,
    /// The kernel's error.
    pub source: Errno,
}

impl PollError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.source {
            Errno::MFILE | Errno::NFILE => {
                say!("no file descriptor is left: raise the limit with `ulimit -n 4096`").to_owned()
            }
            _ => say!("see what works on this machine with `qviz doctor`").to_owned(),
        }
    }
}

/// The readiness to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Interest {
    /// Something to read, or the end.
    Readable,
    /// The end of the handshake, and after it something to read.
    Connected,
}

/// Registered sockets, edge-triggered. Closing a socket removes it.
pub(in crate::lab) struct Poll {
    epoll: OwnedFd,
}

impl Poll {
    pub(in crate::lab) fn new(side: &'static str) -> Result<Self, PollError> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|source| PollError { side, source })?;
        Ok(Self { epoll })
    }

    /// Readable when a watched socket is ready.
    pub(in crate::lab) fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Registers a socket; one that is ready already is returned too. False when registration fails.
    pub(in crate::lab) fn watch(&self, socket: BorrowedFd<'_>, key: Key, interest: Interest) -> bool {
        let flags = match interest {
            Interest::Readable => epoll::EventFlags::IN | epoll::EventFlags::RDHUP,
            Interest::Connected => epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::OUT,
        };
        epoll::add(&self.epoll, socket, epoll::EventData::new_u64(key), flags | epoll::EventFlags::ET).is_ok()
    }

    /// The keys of ready sockets, without blocking. An interrupted or failed call returns none; the next one will.
    pub(in crate::lab) fn ready(&self, keys: &mut Vec<Key>) {
        keys.clear();
        let mut events = [MaybeUninit::uninit(); READY_PER_TURN];
        if let Ok((ready, _)) = epoll::wait(&self.epoll, &mut events, Some(&Timespec::default())) {
            keys.extend(ready.iter().map(|event| event.data.u64()));
        }
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").field("epoll", &self.epoll).finish_non_exhaustive()
    }
}
