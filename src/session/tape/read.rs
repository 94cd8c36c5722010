//! Reading a tape whole: a file that was cut off is read up to the cut, a damaged one is refused with its line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::{Header, TapeError, VERSION};
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;

/// A recording, read and found good.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Its first line.
    pub header: Header,
    /// The facts, in the order in which they were folded.
    pub facts: Vec<Stamped>,
    /// How it ends.
    pub close: Close,
}

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// With the run.
    Ended,
    /// Before the run: it was killed, or still goes on, or the recording had its limit.
    Open,
    /// In the middle of this line.
    Torn {
        /// Counted from 1.
        line: usize,
    },
}

impl Tape {
    /// Reads a recording.
    ///
    /// # Errors
    /// When the file cannot be read, is no recording, or is damaged before its last line.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let file = File::open(path).map_err(|source| TapeError::Open { path: path.to_owned(), source })?;
        let mut lines = Lines { path: path.to_owned(), reader: BufReader::new(file), number: 0, buffer: Vec::new() };
        let header = header(&mut lines)?;
        let mut facts = Vec::new();
        let mut close = Close::Open;
        while lines.advance()? {
            match serde_json::from_slice(&lines.buffer) {
                Ok(fact) => facts.push(fact),
                Err(_) if lines.is_torn() => {
                    close = Close::Torn { line: lines.number };
                    break;
                }
                Err(error) => return Err(lines.wrong(format!("not a fact that this qviz knows ({})", bare(&error)))),
            }
        }
        match facts.first() {
            None => return Err(TapeError::Empty { path: lines.path }),
            Some(Stamped { event: Event::Began(_) | Event::Watching(_), .. }) => {}
            Some(_) => {
                lines.number = 2;
                return Err(lines.wrong("a recording begins with the fact `began` or `watching`".to_owned()));
            }
        }
        if facts.last().is_some_and(|fact| fact.event == Event::Ended) {
            close = Close::Ended;
        }
        Ok(Self { header, facts, close })
    }

    /// The last moment of the recording.
    pub fn end(&self) -> Stamp {
        self.facts.iter().map(|fact| fact.at).max().unwrap_or_default()
    }
}

fn header(lines: &mut Lines) -> Result<Header, TapeError> {
    let path = lines.path.clone();
    if !lines.advance()? {
        return Err(TapeError::Foreign { path });
    }
    let first: serde_json::Value =
        serde_json::from_slice(&lines.buffer).map_err(|_| TapeError::Foreign { path: path.clone() })?;
    match first.get("qviz-recording").and_then(serde_json::Value::as_u64) {
        None => Err(TapeError::Foreign { path }),
        Some(found) if found != u64::from(VERSION) => Err(TapeError::Version { path, found }),
        Some(_) => {
            serde_json::from_value(first).map_err(|error| lines.wrong(format!("damaged header ({})", bare(&error))))
        }
    }
}

/// Without the place, which is that within one line.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: usize,
    buffer: Vec<u8>,
}

impl Lines {
    /// The next line, if there is one.
    fn advance(&mut self) -> Result<bool, TapeError> {
        self.buffer.clear();
        self.number += 1;
        let limited = &mut std::io::Read::take(&mut self.reader, LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut self.buffer);
        let count = read.map_err(|source| TapeError::Read { path: self.path.clone(), source })?;
        if count as u64 == LONGEST_LINE {
            return if self.number == 1 {
                Err(TapeError::Foreign { path: self.path.clone() })
            } else {
                Err(self.wrong("a line longer than any fact".to_owned()))
            };
        }
        Ok(count > 0)
    }

    /// True for a line that ends without a line feed: the last one of a run that was killed.
    fn is_torn(&self) -> bool {
        self.buffer.last() != Some(&b'\n')
    }

    fn wrong(&self, reason: String) -> TapeError {
        TapeError::Line { path: self.path.clone(), line: self.number, reason }
    }
}

/// No fact takes more bytes: lists of 65,535 connections with some 150 bytes each stay far below.
const LONGEST_LINE: u64 = 64 << 20;
