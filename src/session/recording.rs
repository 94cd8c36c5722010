//! RECORDINGS: the raw facts of a session in a file, and a session made of such a file.
//!
//! A recording is JSON Lines: one header line, then one line for each fact in the order in which it reached the fold. It holds
//! nothing derived, so that a new diagnosis works on an old recording. Start at [`Recorder`](record::Recorder) and
//! [`Recording`](read::Recording).

use std::io;
use std::path::PathBuf;

use crate::say;
use crate::text::errno::describe;
use serde::{Deserialize, Serialize};

mod header;
pub mod playback;
pub mod read;
pub mod record;
pub mod record_reader;
pub mod replay;
pub mod transport;

/// The version of the format; a reader takes this one and no other.
pub const VERSION: u32 = 2;

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version.
    #[serde(rename = "qviz-recording")]
    pub version: u32,
    /// The version of the program that recorded.
    pub qviz: String,
    /// The command line that repeats the run.
    pub repeat: Option<String>,
}

impl Header {
    /// The header of a new recording.
    pub fn new(repeat: Option<String>) -> Self {
        Self { version: VERSION, qviz: env!("CARGO_PKG_VERSION").to_owned(), repeat }
    }
}

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be opened.
    #[error("{}", say!("cannot open {path}: {source}", path = path.display(), source = describe(source)))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written any further.
    #[error("{}", say!("cannot write the recording {path}: {source}", path = path.display(), source = describe(source)))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read any further.
    #[error("{}", say!("cannot read {path}: {source}", path = path.display(), source = describe(source)))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file to be overwritten is no recording.
    #[error("{}", say!("{path} exists and is no recording: it is not overwritten", path = path.display()))]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The file is no recording.
    #[error("{}", say!("{path}:1: not a qviz recording: the first line is no header", path = path.display()))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another qviz: by a later one, or before outcomes of segments were recorded (format 1).
    #[error(
        "{}",
        say!(
            "{path}:1: recording format {found} is not known here; this qviz reads format {known}",
            path = path.display(),
            found,
            known = VERSION
        )
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The recording has no facts.
    #[error("{}", say!("{path}: the recording is empty: it has a header and no fact", path = path.display()))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// More came through a pipe than a recording can hold.
    #[error("{}", say!("{path}: more than {mib} MiB, so no recording", path = path.display(), mib))]
    TooLarge {
        /// The pipe.
        path: PathBuf,
        /// How much was read.
        mib: u64,
    },
    /// A line in the middle is damaged.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl RecordingError {
    /// The next command that would help.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } => {
                say!("check the path: qviz --record FILE writes a recording, qviz replay FILE shows it")
            }
            Self::Write { .. } => say!("free some space, or record elsewhere: qviz --record OTHER-FILE"),
            Self::Read { .. } | Self::Foreign { .. } | Self::TooLarge { .. } => {
                say!("make a recording: qviz --record FILE")
            }
            Self::NotOurs { .. } => say!("give another name, or remove the file: qviz --record OTHER-FILE"),
            Self::Version { found, .. } if *found < u64::from(VERSION) => {
                say!("make it anew: the command in its first line, with --record FILE")
            }
            Self::Version { .. } => say!("use the qviz that wrote it, or a later one"),
            Self::Empty { .. } | Self::Line { .. } => say!("record again: qviz --record FILE"),
        }
    }
}
