//! The arguments of `qviz lesson`.

use std::path::PathBuf;

use clap::Args;

use super::OutputArgs;

/// Which lessons, and how they are played.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct LessonArgs {
    /// A lesson's name, or the file of one (with a / in it, or ending in .toml)
    #[arg(value_name = "NAME|FILE", conflicts_with = "all")]
    pub name: Option<String>,

    /// Print the format of lesson files
    #[arg(long, conflicts_with_all = ["name", "all", "check", "auto", "record"])]
    pub format: bool,

    /// Every lesson; with --check
    #[arg(long, requires = "check")]
    pub all: bool,

    /// No picture: play it by itself, check what has to be so, and decide its claims
    ///
    /// Exits 3 when something is not so.
    #[arg(long, conflicts_with = "auto")]
    pub check: bool,

    /// A lesson that cannot be tried here is no failure
    ///
    /// Without it, where there is no private network, --check exits 3.
    #[arg(long, requires = "check")]
    pub allow_skips: bool,

    /// Go on by itself, for people who pass by
    #[arg(long)]
    pub auto: bool,

    /// A class votes: each key 1-9 counts one hand, and space takes the choice with most of them
    ///
    /// The votes stand as bars beside the choices; backspace takes the last one back.
    #[arg(long, conflicts_with_all = ["auto", "check"])]
    pub class: bool,

    /// Record the lesson into FILE, all scenes; qviz replay FILE shows it again
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, conflicts_with = "all")]
    pub record: Option<PathBuf>,

    /// This check is one of all of them: it ends with the process that asked for it.
    #[arg(long, value_name = "PID", hide = true, requires = "check")]
    pub attended: Option<u32>,

    /// What comes out.
    #[command(flatten)]
    pub output: OutputArgs,
}
