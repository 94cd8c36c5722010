//! The arguments of `qviz replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::OutputArgs;
use crate::cli::values;

/// A recording and what to do with it.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// The recording, or the name of one that comes with qviz: overflow, or a demo's
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,

    /// What comes out.
    #[command(flatten)]
    pub output: OutputArgs,

    /// The frames.
    #[command(flatten)]
    pub frames: FrameArgs,
}

/// Frames as files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Frames as files")]
pub struct FrameArgs {
    /// The moment to draw, counted from the run's beginning [default: its end]
    #[arg(long, value_name = "DUR", value_parser = values::duration, allow_negative_numbers = true, conflicts_with = "cast")]
    pub at: Option<Duration>,

    /// Columns and rows of the frame [default: 120x36]
    #[arg(long, value_name = "WxH", value_parser = values::size)]
    pub size: Option<(u16, u16)>,

    /// Print the frame as plain text
    #[arg(long, conflicts_with_all = ["json", "jsonl"])]
    pub text: bool,

    /// Draw the frame into an SVG file; - is stdout
    #[arg(long, value_name = "OUT", value_hint = clap::ValueHint::FilePath, conflicts_with_all = ["json", "jsonl"])]
    pub svg: Option<PathBuf>,

    /// Draw all of it into one SVG file that loops, four frames a second; - is stdout
    #[arg(long, value_name = "OUT", value_hint = clap::ValueHint::FilePath, conflicts_with_all = ["json", "jsonl", "at"])]
    pub motion: Option<PathBuf>,

    /// Write all frames as a terminal recording (asciicast v2) at the recorded speed; - is stdout
    #[arg(long, value_name = "OUT", value_hint = clap::ValueHint::FilePath, conflicts_with_all = ["json", "jsonl"])]
    pub cast: Option<PathBuf>,
}

impl FrameArgs {
    /// True when frames are wanted rather than a replay.
    pub const fn wanted(&self) -> bool {
        self.text || self.svg.is_some() || self.motion.is_some() || self.cast.is_some()
    }
}
