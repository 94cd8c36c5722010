//! Finding a tape good: its header, its first fact and its end are looked at, the rest is read as it is needed.

use std::path::Path;

use super::record_reader::{self, Facts, LinePosition, Lines, Store};
use super::{Header, RecordingError, VERSION};
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
    /// With the run.
    Ended,
    /// Before the run: it was killed, or still goes on, the recording had its limit, or the rest is damaged.
    Open,
    /// In the middle of this line.
    Torn {
        /// Counted from 1.
        line: usize,
    },
}

impl Recording {
    /// Opens a recording.
    ///
    /// # Errors
    /// When the file cannot be read, is no recording, or has no good fact.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let store = Store::open(path)?;
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
                    lines.wrong(say!("a recording begins with the fact `began`, `watching` or `lesson`").to_owned())
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
    /// When the file cannot be opened any more.
    pub fn facts(&self) -> Result<Facts, RecordingError> {
        let mut lines = self.store.lines()?;
        lines.advance()?;
        Ok(Facts::of(lines))
    }

    /// The last moment of the recording, as far as it can be read.
    pub const fn end(&self) -> Stamp {
        self.end
    }
}

/// Whether a recording may begin with this fact: each of them begins a new world.
const fn opens(event: &Event) -> bool {
    matches!(event, Event::Began(_) | Event::Watching(_) | Event::Lesson(LessonFact::Opened { .. }))
}

/// The last moment, and how it ends: only the last lines are looked at, and more of them where those are no good.
fn ending(lines: &mut Lines, start: LinePosition) -> Result<(Stamp, RecordingEnd), RecordingError> {
    let mut window = WINDOW;
    loop {
        let offset = lines.length().saturating_sub(window).max(start.offset);
        lines.go(LinePosition { offset, ..start })?;
        if offset > start.offset {
            // It begins in the middle of a line.
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

/// The last lines of a recording, up to the first that is damaged.
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
    let path = lines.path.clone();
    let foreign = || RecordingError::Foreign { path: path.clone() };
    match lines.advance() {
        Ok(true) => {}
        Ok(false) | Err(RecordingError::Line { .. }) => return Err(foreign()),
        Err(error) => return Err(error),
    }
    let first: serde_json::Value = serde_json::from_slice(&lines.buffer).map_err(|_| foreign())?;
    match first.get("qviz-recording").and_then(serde_json::Value::as_u64) {
        None => Err(foreign()),
        Some(found) if found != u64::from(VERSION) => Err(RecordingError::Version { path, found }),
        Some(_) => serde_json::from_value(first)
            .map_err(|error| lines.wrong(say!("damaged header ({error})", error = record_reader::bare(&error)))),
    }
}

/// Bytes at the end that are looked at: far more than the stamps of facts are ever out of order.
const WINDOW: u64 = 256 << 10;
