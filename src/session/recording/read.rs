//! Opening a recording: header, first fact and end are checked, the rest is read when needed.

use std::path::Path;

use super::header::header_in;
use super::record_reader::{self, Facts, LinePosition, Lines, Store};
use super::{Header, RecordingError};
use crate::model::event::Event;
use crate::model::lesson::LessonFact;
use crate::model::stamp::Stamp;
use crate::say;

/// A recording that can be read.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// How it ends.
    pub close: RecordingEnd,
    store: Store,
    end: Stamp,
}

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingEnd {
    /// Complete.
    Ended,
    /// Before the end of the run: it was killed or still runs, the recording reached its limit, or the rest is damaged.
    Open,
    /// The last line is cut off.
    Torn {
        /// Counted from 1.
        line: usize,
    },
}

impl Recording {
    /// Opens a recording.
    ///
    /// # Errors
    /// When the file cannot be read, is no recording, or has no valid fact.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        Self::of(Store::open(path)?)
    }

    /// A recording that the program carries, under this name.
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn carried(name: &Path, text: String) -> Result<Self, RecordingError> {
        Self::of(Store::Memory(name.to_owned(), text.into_bytes().into()))
    }

    fn of(store: Store) -> Result<Self, RecordingError> {
        let mut lines = store.lines()?;
        let header = header(&mut lines)?;
        let start = lines.next;
        if !lines.advance()? {
            return Err(RecordingError::Empty { path: lines.path });
        }
        match lines.fact() {
            Ok(fact) if opens(&fact.event) => {}
            Ok(_) => {
                return Err(
                    lines.damaged(say!("a recording begins with the fact `began`, `watching` or `lesson`").to_owned())
                );
            }
            Err(_) if lines.is_torn() => return Err(RecordingError::Empty { path: lines.path }),
            Err(error) => return Err(error),
        }
        let (end, close) = ending(&mut lines, start)?;
        Ok(Self { header, close, store, end })
    }

    /// Its facts, from the first one, in the order in which they were folded.
    ///
    /// # Errors
    /// When the file can no longer be opened.
    pub fn facts(&self) -> Result<Facts, RecordingError> {
        let mut lines = self.store.lines()?;
        lines.advance()?;
        Ok(Facts::of(lines))
    }

    /// The latest stamp of the recording, as far as it can be read.
    pub const fn end(&self) -> Stamp {
        self.end
    }
}

/// True if a recording may begin with this fact: each of these starts a new world.
const fn opens(event: &Event) -> bool {
    matches!(event, Event::Began(_) | Event::Watching(_) | Event::Lesson(LessonFact::Opened { .. }))
}

/// The latest stamp, and how the recording ends: only the last lines are read, and more of them where those are damaged.
fn ending(lines: &mut Lines, start: LinePosition) -> Result<(Stamp, RecordingEnd), RecordingError> {
    let mut window = WINDOW;
    loop {
        let offset = lines.length().saturating_sub(window).max(start.offset);
        lines.seek(LinePosition { offset, ..start })?;
        if offset > start.offset {
            // The offset is in the middle of a line.
            lines.advance()?;
        }
        let tail = Tail::read(lines);
        if let Some(end) = tail.end {
            let close = match tail.close {
                RecordingEnd::Torn { .. } => RecordingEnd::Torn { line: counted(lines)? },
                close => close,
            };
            return Ok((end, close));
        }
        if offset == start.offset {
            return Ok((Stamp::ZERO, RecordingEnd::Open));
        }
        window = window.saturating_mul(8);
    }
}

/// The last lines of a recording, up to the first damaged one.
struct Tail {
    end: Option<Stamp>,
    close: RecordingEnd,
}

impl Tail {
    fn read(lines: &mut Lines) -> Self {
        let mut tail = Self { end: None, close: RecordingEnd::Open };
        while let Ok(true) = lines.advance() {
            match lines.fact() {
                Ok(fact) => {
                    tail.end = tail.end.max(Some(fact.at));
                    tail.close = if fact.event == Event::Ended { RecordingEnd::Ended } else { RecordingEnd::Open };
                }
                Err(_) if lines.is_torn() => tail.close = RecordingEnd::Torn { line: 0 },
                Err(_) => {
                    tail.close = RecordingEnd::Open;
                    break;
                }
            }
        }
        tail
    }
}

fn counted(lines: &mut Lines) -> Result<usize, RecordingError> {
    record_reader::count(lines).map_err(|source| RecordingError::Read { path: lines.path.clone(), source })
}

fn header(lines: &mut Lines) -> Result<Header, RecordingError> {
    match lines.advance_header() {
        Ok(true) => header_in(&lines.path, &lines.buffer),
        Ok(false) | Err(RecordingError::Line { .. }) => Err(RecordingError::Foreign { path: lines.path.clone() }),
        Err(error) => Err(error),
    }
}

/// Bytes read at the end: far more than stamps are ever out of order.
const WINDOW: u64 = 256 << 10;
