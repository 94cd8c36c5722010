//! A capture that explains itself (`--pcap FILE`): pcapng of all frames at the listener's end, each that was decided on with a comment
//! that says what became of it. Wireshark and tshark read it.
//!
//! A connection's fate is known when it is accepted. Until then its final ACK, and what came after it, waits here, in order; beyond
//! [`MOST_WAITING`] bytes it is written with what is known.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::model::cause::Cause;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::event::{Event, ServerEvent, Stamped};
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::files::{self, Existing};
use crate::text::errno::describe;

mod pcapng;

/// The file, and the frames that wait for their fate.
pub struct Capture {
    path: PathBuf,
    /// `None` after a failure.
    writer: Option<BufWriter<File>>,
    /// Nanoseconds since 1970 at the session's beginning.
    began: u64,
    waiting: VecDeque<Packet>,
    /// How many packets have left `waiting`.
    left: u64,
    /// The number of the packet that made each waiting connection.
    queued: HashMap<Peer, u64>,
    bytes: usize,
    failure: Option<CaptureError>,
}

struct Packet {
    at: Stamp,
    frame: Box<[u8]>,
    comment: Option<String>,
    is_open: bool,
}

/// Why a capture cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("{}", say!("cannot open {path}: {source}", path = path.display(), source = describe(source)))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{}", say!("{path} is not empty and no capture of qviz: it is not overwritten", path = path.display()))]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written any further.
    #[error("{}", say!("cannot write the capture {path}: {source}", path = path.display(), source = describe(source)))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl CaptureError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => say!("give another name, or remove that file"),
            Self::Open { .. } | Self::Write { .. } => say!("choose a directory that you may write and that has room"),
        }
    }
}

impl Capture {
    /// Opens the file; an older pcapng file is overwritten, any other one is not. `began`: nanoseconds since 1970 at the session's
    /// beginning.
    ///
    /// # Errors
    /// When the file cannot be opened or written, or is not empty and no pcapng.
    pub fn open(path: &Path, began: u64) -> Result<Self, CaptureError> {
        let opened = |source| CaptureError::Open { path: path.to_owned(), source };
        if files::is_foreign(path, &pcapng::SECTION_HEADER).map_err(opened)? {
            return Err(CaptureError::NotOurs { path: path.to_owned() });
        }
        let file = files::create(path, Existing::Emptied).map_err(opened)?;
        let mut writer = BufWriter::with_capacity(128 * 1024, file);
        let written = |source| CaptureError::Write { path: path.to_owned(), source };
        writer.write_all(&pcapng::beginning("srv0")).map_err(written)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Some(writer),
            began,
            waiting: VecDeque::new(),
            left: 0,
            queued: HashMap::new(),
            bytes: 0,
            failure: None,
        })
    }

    /// A frame passed that decided nothing.
    pub(super) fn passed(&mut self, at: Stamp, frame: &[u8]) {
        self.push(Packet { at, frame: frame.into(), comment: None, is_open: false });
    }

    /// A frame was delivered; `limit`: the accept queue's.
    pub(super) fn decided(&mut self, at: Stamp, frame: &[u8], delivery: &Delivery, limit: u32) {
        let is_open = delivery.outcome == Outcome::Queued;
        if is_open {
            let number = self.left + self.waiting.len() as u64;
            self.queued.insert(delivery.segment.peer, number);
        }
        self.push(Packet { at, frame: frame.into(), comment: Some(comment(delivery, limit)), is_open });
    }

    /// Takes what the server has accepted.
    pub(super) fn take(&mut self, facts: &[Stamped]) {
        for fact in facts {
            if let Event::Served { peer, event: ServerEvent::Accepted { .. } } = fact.event
                && let Some(number) = self.queued.remove(&peer)
                && let Some(index) = number.checked_sub(self.left)
                && let Some(packet) = self.waiting.get_mut(index as usize)
            {
                let waited = fact.at.since(packet.at).as_secs_f64();
                packet.comment = Some(format!("accepted after {waited:.2} s"));
                packet.is_open = false;
            }
        }
        self.write_ready(false);
    }

    /// Writes everything that still waits; why the file is not complete, if it is not.
    pub(super) fn finish(&mut self) -> Option<CaptureError> {
        self.write_ready(true);
        let flushed = self.writer.take().map(BufWriter::into_inner);
        if let Some(Err(error)) = flushed {
            self.fail(error.into_error());
        }
        self.failure.take()
    }

    fn push(&mut self, packet: Packet) {
        if self.writer.is_some() {
            self.bytes += packet.frame.len();
            self.waiting.push_back(packet);
            self.write_ready(false);
        }
    }

    fn write_ready(&mut self, all: bool) {
        while let Some(packet) = self.waiting.front()
            && (all || !packet.is_open || self.bytes > MOST_WAITING)
        {
            let Some(packet) = self.waiting.pop_front() else { return };
            self.left += 1;
            self.bytes -= packet.frame.len();
            self.write(&packet);
        }
    }

    fn write(&mut self, packet: &Packet) {
        let block = pcapng::packet(self.began + packet.at.as_nanos(), &packet.frame, packet.comment.as_deref());
        if let Some(Err(error)) = self.writer.as_mut().map(|writer| writer.write_all(&block)) {
            self.fail(error);
        }
    }

    fn fail(&mut self, source: io::Error) {
        self.failure = Some(CaptureError::Write { path: self.path.clone(), source });
        self.writer = None;
        self.waiting.clear();
    }
}

/// What became of a segment, in one line. English, as the file outlives the session's language.
fn comment(delivery: &Delivery, limit: u32) -> String {
    let full = match delivery.depth_before {
        Some(depth) => format!("accept queue full, {depth} of {}", limit.saturating_add(1)),
        None => "accept queue full".to_owned(),
    };
    match delivery.outcome {
        Outcome::Request => "answered with a SYN-ACK: a request in the SYN queue".to_owned(),
        Outcome::Cookie => "answered with a SYN cookie: the kernel keeps nothing".to_owned(),
        Outcome::Queued => "queued: established, waits for accept()".to_owned(),
        Outcome::Dropped(cause) => {
            let (why, counter) = match cause {
                Cause::SynAcceptQueueFull => (full, "ListenOverflows"),
                Cause::SynSynQueueFull => ("SYN queue full, SYN cookies off".to_owned(), "TCPReqQFullDrop"),
                Cause::SynMaxSynBacklog => ("three quarters of tcp_max_syn_backlog in use".to_owned(), "ListenDrops"),
                Cause::AckAcceptQueueFull => (format!("{full}; the request stays"), "ListenOverflows"),
                Cause::AckCookieAcceptQueueFull => (format!("{full}; nothing is kept"), "ListenOverflows"),
                Cause::AckReset => (format!("{full}; answered with a RST"), "ListenOverflows"),
                Cause::RequestExpired | Cause::RequestPruned | Cause::ClientLost => (String::new(), "ListenDrops"),
            };
            format!("dropped: {why} ({}); {counter} + 1", cause.name())
        }
        Outcome::Discarded => "discarded, nothing changes; sk_drops + 1".to_owned(),
        Outcome::Shadowed => {
            "a valid cookie, but a newer request of its client stands: no connection is made".to_owned()
        }
        Outcome::RequestReset => "reset by the client: its request ends".to_owned(),
        Outcome::AnsweredByReset => "reset: neither a request nor a valid cookie is there".to_owned(),
        Outcome::Undetermined => "it could not be read what became of it".to_owned(),
    }
}

/// Bytes of frames that wait at most.
const MOST_WAITING: usize = 64 << 20;

#[cfg(test)]
mod tests;
