//! Recording: every batch that reaches the fold is written to the file, bounded in size and delay.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Header, RecordingError};
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::files::{self, Existing};

/// The largest size of a recording in bytes.
pub const LIMIT: u64 = 1 << 30;

/// How long facts may stay in the buffer: what a killed run loses at most.
pub const FLUSH_DELAY: Duration = Duration::from_millis(200);

/// A recording being written. A full disk ends the recording, not the run.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// `None` once the recording has ended.
    file: Option<BufWriter<File>>,
    limit: u64,
    written: u64,
    /// Since when the buffer is not empty.
    waiting: Option<Stamp>,
    failure: Option<RecordingError>,
    failure_reported: bool,
}

/// The state of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingStatus {
    /// Everything is written.
    Running,
    /// It reached its limit and has ended.
    Full,
    /// Writing failed.
    Failed,
}

impl Recorder {
    /// Opens the file; an older recording is overwritten when this one [begins](Self::begin), any other file is refused.
    ///
    /// # Errors
    /// When the file cannot be opened, or is not empty and no recording.
    pub fn open(path: &Path, limit: u64) -> Result<Self, RecordingError> {
        let opened = |source| RecordingError::Open { path: path.to_owned(), source };
        if files::is_foreign(path, FIRST_BYTES).map_err(opened)? {
            return Err(RecordingError::NotOurs { path: path.to_owned() });
        }
        let file = files::create(path, Existing::Kept).map_err(opened)?;
        let file = Some(BufWriter::with_capacity(128 * 1024, file));
        Ok(Self {
            path: path.to_owned(),
            file,
            limit,
            written: 0,
            waiting: None,
            failure: None,
            failure_reported: false,
        })
    }

    /// Truncates the file and writes this header. Errors are reported by [`failure`](Self::failure).
    pub fn begin(&mut self, header: &Header) {
        let cut = |file: &BufWriter<File>| {
            let file = file.get_ref();
            if file.metadata()?.is_file() { file.set_len(0) } else { Ok(()) }
        };
        if let Some(Err(source)) = self.file.as_ref().map(cut) {
            self.fail(source);
        }
        match line(header) {
            Ok(line) => self.put(&line),
            Err(source) => self.fail(source),
        }
        self.flush();
    }

    /// Writes the facts that reach the fold. If the recording ends here, at its limit or because the disk is full, the fact that
    /// reports it is added to them.
    pub fn take(&mut self, now: Stamp, facts: &mut Vec<Stamped>) {
        if self.file.is_some() {
            self.write(now, facts);
        }
        if let (Some(failure), false) = (&self.failure, self.failure_reported) {
            let message = Message::of(|| say!("{failure}: the recording has ended, the run goes on", failure));
            facts.push(Stamped { at: now, event: Event::Refused { message } });
            self.failure_reported = true;
        }
    }

    fn write(&mut self, now: Stamp, facts: &mut Vec<Stamped>) {
        for fact in facts.iter() {
            match line(fact) {
                Ok(line) if self.written + line.len() as u64 > self.limit => {
                    let message = self.end_at_limit(fact.at);
                    facts.push(Stamped { at: now, event: Event::Refused { message } });
                    return;
                }
                Ok(line) => self.put(&line),
                Err(source) => self.fail(source),
            }
        }
        self.waiting.get_or_insert(now);
        if facts.iter().any(|fact| matches!(fact.event, Event::Ended)) {
            self.flush();
        }
        self.flush_if_due(now);
    }

    /// When the buffer has to be flushed; `None` while it is empty.
    pub fn due(&self) -> Option<Stamp> {
        self.waiting.map(|since| since + FLUSH_DELAY)
    }

    /// Flushes the buffer if it is due.
    pub fn flush_if_due(&mut self, now: Stamp) {
        if self.due().is_some_and(|due| due <= now) {
            self.flush();
        }
    }

    /// The state of the recording.
    pub const fn status(&self) -> RecordingStatus {
        match (&self.failure, &self.file) {
            (Some(_), _) => RecordingStatus::Failed,
            (None, Some(_)) => RecordingStatus::Running,
            (None, None) => RecordingStatus::Full,
        }
    }

    /// Why writing failed, if it did.
    pub const fn failure(&self) -> Option<&RecordingError> {
        self.failure.as_ref()
    }

    fn put(&mut self, line: &[u8]) {
        let Some(file) = &mut self.file else { return };
        match file.write_all(line) {
            Ok(()) => self.written += line.len() as u64,
            Err(source) => self.fail(source),
        }
    }

    fn flush(&mut self) {
        self.waiting = None;
        if let Some(Err(source)) = self.file.as_mut().map(Write::flush) {
            self.fail(source);
        }
    }

    fn fail(&mut self, source: io::Error) {
        self.abandon();
        self.failure.get_or_insert(RecordingError::Write { path: self.path.clone(), source });
    }

    /// Ends the recording; the buffer is not written.
    fn abandon(&mut self) {
        self.waiting = None;
        if let Some(file) = self.file.take() {
            let (_file, _lost) = file.into_parts();
        }
    }

    /// Ends the recording with a line that gives the reason.
    fn end_at_limit(&mut self, at: Stamp) -> Message {
        let mib = self.limit >> 20;
        let path = self.path.display();
        let message = Message::of(|| {
            say!("the recording {path} has ended at its limit of {mib} MiB; the run goes on", path, mib)
        });
        let last = Stamped { at, event: Event::Refused { message: message.clone() } };
        if let Ok(line) = line(&last) {
            self.put(&line);
        }
        self.flush();
        self.file = None;
        message
    }
}

fn line(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// The first bytes of every recording.
const FIRST_BYTES: &[u8] = b"{\"qviz-recording\":";
