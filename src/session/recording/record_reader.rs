//! The facts of a recording one after the other, read when needed: only a few lines are in memory, whatever the file's size.
//!
//! The facts end where the file is damaged; the last one reports that.

use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::header::{bare, header_in};
use super::{RecordingError, record};
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::files;

mod sizes;

/// Where the bytes of a recording are.
#[derive(Clone, Debug)]
pub(super) enum Store {
    /// In a file, with its length when opened; what is appended later is not read.
    File(PathBuf, u64),
    /// In memory, read from a pipe. The path is for messages.
    Memory(PathBuf, Arc<[u8]>),
}

/// A seekable source of lines.
trait Source: BufRead + Seek + Send + std::fmt::Debug {}

impl<T: BufRead + Seek + Send + std::fmt::Debug> Source for T {}

/// The position of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinePosition {
    pub(super) offset: u64,
    /// Counted from 1; the header is the first.
    pub(super) line: usize,
}

/// The lines of a recording.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) path: PathBuf,
    source: Box<dyn Source>,
    length: u64,
    /// Where the next line begins.
    pub(super) next: LinePosition,
    /// The line last read.
    pub(super) buffer: Vec<u8>,
}

/// The facts of a recording.
#[derive(Debug)]
pub struct Facts {
    lines: Lines,
    start: LinePosition,
    /// The next fact, and its position.
    peeked: Option<(LinePosition, Stamped)>,
    /// The latest stamp returned so far.
    latest: Stamp,
    over: bool,
}

impl Store {
    /// Opens a recording. A pipe is read to its end if its first line is that of a recording, and it is not larger than one.
    pub(super) fn open(path: &Path) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Open { path: path.to_owned(), source };
        let file = files::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() {
            return Ok(Self::File(path.to_owned(), metadata.len()));
        }
        let broken = |source| RecordingError::Read { path: path.to_owned(), source };
        let (mut stream, mut bytes) = (BufReader::new(file), Vec::new());
        Read::take(&mut stream, LONGEST_HEADER).read_until(b'\n', &mut bytes).map_err(broken)?;
        header_in(path, &bytes)?;
        Read::take(&mut stream, LARGEST_STREAM).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 > LARGEST_STREAM {
            return Err(RecordingError::TooLarge { path: path.to_owned(), mib: LARGEST_STREAM >> 20 });
        }
        Ok(Self::Memory(path.to_owned(), bytes.into()))
    }

    pub(super) fn lines(&self) -> Result<Lines, RecordingError> {
        let (path, source, length): (_, Box<dyn Source>, _) = match self {
            Self::File(path, length) => {
                let file = files::open(path).map_err(|source| RecordingError::Open { path: path.clone(), source })?;
                (path.clone(), Box::new(BufReader::with_capacity(128 * 1024, file)), *length)
            }
            Self::Memory(path, bytes) => (path.clone(), Box::new(Cursor::new(Arc::clone(bytes))), bytes.len() as u64),
        };
        Ok(Lines { path, source, length, next: LinePosition { offset: 0, line: 1 }, buffer: Vec::new() })
    }
}

impl Lines {
    /// Reads the next line; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, RecordingError> {
        self.advance_within(LONGEST_LINE)
    }

    /// Reads the first line; false where there is none.
    pub(super) fn advance_header(&mut self) -> Result<bool, RecordingError> {
        self.advance_within(LONGEST_HEADER)
    }

    fn advance_within(&mut self, longest: u64) -> Result<bool, RecordingError> {
        self.buffer.clear();
        let rest = self.length.saturating_sub(self.next.offset).min(longest);
        let read = Read::take(&mut self.source, rest).read_until(b'\n', &mut self.buffer);
        let count = read.map_err(|source| RecordingError::Read { path: self.path.clone(), source })? as u64;
        self.next.offset += count;
        self.next.line += 1;
        if count == longest {
            return Err(self.damaged(say!("a line longer than any fact").to_owned()));
        }
        Ok(count > 0)
    }

    /// Seeks to a position that was [`next`](Self::next) before.
    pub(super) fn seek(&mut self, place: LinePosition) -> Result<(), RecordingError> {
        let gone = self.source.seek(SeekFrom::Start(place.offset));
        gone.map_err(|source| RecordingError::Read { path: self.path.clone(), source })?;
        self.next = place;
        Ok(())
    }

    /// True if the line last read has no line feed: the last one of a killed run.
    pub(super) fn is_torn(&self) -> bool {
        self.buffer.last() != Some(&b'\n')
    }

    /// The length in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Parses the line last read.
    pub(super) fn fact(&self) -> Result<Stamped, RecordingError> {
        let fact: Result<Stamped, _> = serde_json::from_slice(&self.buffer);
        let fact = fact
            .map_err(|error| self.damaged(say!("not a fact that this qviz knows ({error})", error = bare(&error))))?;
        if !sizes::are_possible(&fact.event, &self.buffer) {
            return Err(self.damaged(say!("a line longer than any fact").to_owned()));
        }
        Ok(fact)
    }

    /// An error about the line last read.
    pub(super) fn damaged(&self, reason: String) -> RecordingError {
        RecordingError::Line { path: self.path.clone(), line: self.next.line - 1, reason }
    }
}

impl Facts {
    /// The facts from the next line on.
    pub(super) fn of(lines: Lines) -> Self {
        let start = lines.next;
        Self { lines, start, peeked: None, latest: Stamp::ZERO, over: false }
    }

    /// The next fact, without consuming it.
    pub fn peek(&mut self) -> Option<&Stamped> {
        if self.peeked.is_none() && !self.over {
            let place = self.lines.next;
            let fact = self.read();
            self.over |= fact.is_none();
            self.peeked = fact.map(|fact| (place, fact));
        }
        self.peeked.as_ref().map(|(_, fact)| fact)
    }

    /// The position of the next fact.
    pub(super) fn line_position(&self) -> LinePosition {
        self.peeked.as_ref().map_or(self.lines.next, |(place, _)| *place)
    }

    /// The position of the first fact.
    pub(super) const fn start(&self) -> LinePosition {
        self.start
    }

    /// Continues from a [`line_position`](Self::line_position).
    pub(super) fn seek(&mut self, place: LinePosition) {
        self.peeked = None;
        self.over = false;
        if let Err(error) = self.lines.seek(place) {
            self.peeked = Some((place, self.end_of(&error)));
        }
    }

    fn read(&mut self) -> Option<Stamped> {
        match self.lines.advance() {
            Ok(false) => None,
            Ok(true) => match self.lines.fact() {
                Ok(fact) => Some(fact),
                Err(_) if self.lines.is_torn() => None,
                Err(damage) => Some(self.end_of(&damage)),
            },
            Err(error) => Some(self.end_of(&error)),
        }
    }

    /// Ends the facts with one that reports the error.
    fn end_of(&mut self, error: &RecordingError) -> Stamped {
        self.over = true;
        let message = Message::of(|| {
            say!("{error}: the recording is damaged there and ends for us; {hint}", error, hint = error.hint())
        });
        Stamped { at: self.latest, event: Event::Refused { message } }
    }
}

impl Iterator for Facts {
    type Item = Stamped;

    fn next(&mut self) -> Option<Stamped> {
        self.peek();
        let (_, fact) = self.peeked.take()?;
        self.latest = self.latest.max(fact.at);
        Some(fact)
    }
}

/// Counts the lines of a source, a cut-off last one included.
pub(super) fn count(lines: &mut Lines) -> io::Result<usize> {
    let (mut count, mut left, mut ends) = (0, lines.length, true);
    lines.source.seek(SeekFrom::Start(0))?;
    while left > 0 {
        let bytes = lines.source.fill_buf()?;
        let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(last) = bytes[..taken].last() else { break };
        ends = *last == b'\n';
        count += bytes[..taken].split(|byte| *byte == b'\n').count() - 1;
        lines.source.consume(taken);
        left -= taken as u64;
    }
    Ok(count + usize::from(!ends))
}

/// The longest first line, in bytes: a command line fits.
const LONGEST_HEADER: u64 = 256 << 10;

/// The largest recording that is read from a pipe, in bytes: as large as one may become.
const LARGEST_STREAM: u64 = record::LIMIT;

/// The longest line accepted, in bytes: lists of 65,535 connections at some 150 bytes each stay far below.
const LONGEST_LINE: u64 = 64 << 20;
