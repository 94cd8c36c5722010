//! Notes for people: the list "what happened lately".

use crate::fold::connection::Connection;
use crate::model::cause::Cause;
use crate::model::client_clock::StepOutcome;
use crate::model::message::Message;
use crate::model::peer::Peer;
use crate::text::sentence::Sentence;

/// The client of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteSubject {
    /// The client's number, if it is one of ours.
    pub id: Option<u32>,
    /// Its address.
    pub peer: Peer,
}

/// The name of a connection in a note.
pub(super) const fn who(connection: &Connection) -> NoteSubject {
    NoteSubject { id: connection.id, peer: connection.peer }
}

/// One note.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A SYN became a half-open request, the `place`-th in the SYN queue.
    HalfOpen {
        /// Whose.
        who: NoteSubject,
        /// Entries in the SYN queue with this one.
        place: u32,
    },
    /// A SYN was answered with a cookie: the SYN queue was full, or cookies are always on.
    Cookie {
        /// Whose.
        who: NoteSubject,
    },
    /// The handshake is complete; the connection waits as the `place`-th in the accept queue.
    Queued {
        /// Whose.
        who: NoteSubject,
        /// Entries in the accept queue with this one.
        place: u32,
    },
    /// `accept()` returned it after so many microseconds in the queue, if that is known.
    Accepted {
        /// Whose.
        who: NoteSubject,
        /// Microseconds in the accept queue.
        waited_us: Option<u64>,
    },
    /// Something was lost.
    Dropped {
        /// Whose.
        who: NoteSubject,
        /// Why.
        cause: Cause,
        /// The SYN's try, from 1, where a SYN was lost.
        attempt: u16,
    },
    /// A ghost or phantom entered the accept queue after all.
    Healed {
        /// Whose.
        who: NoteSubject,
        /// It had been a phantom, not a ghost.
        phantom: bool,
    },
    /// The client has given up: ETIMEDOUT.
    GaveUp {
        /// Whose.
        who: NoteSubject,
    },
    /// The client received a RST.
    Reset {
        /// Whose.
        who: NoteSubject,
    },
    /// `listen()` was called (again).
    Listened {
        /// What was asked for.
        backlog: i32,
        /// The limit that resulted.
        limit: Option<u32>,
    },
    /// One step was carried out while the clients' time is held.
    Stepped {
        /// Whose.
        who: NoteSubject,
        /// What.
        outcome: StepOutcome,
    },
    /// A setting changed, as text.
    Changed(Sentence),
    /// A command could not be carried out, as text.
    Refused(Message),
}
