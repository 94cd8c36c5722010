//! The arguments of `qviz run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::LabArgs;
use crate::cli::values;

/// A server of the user's own in the lab.
#[derive(Clone, Debug, Default, Args)]
pub struct ProgramArgs {
    /// Its listener, where it has several
    ///
    /// Without it the first TCP listener that appears, of several at once the one with the lowest port.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Server")]
    pub port: Option<u16>,

    /// How long its listener may take to appear [default: 10s]
    #[arg(long, value_name = "DUR", value_parser = values::duration, help_heading = "Server")]
    pub ready: Option<Duration>,

    /// Write what it prints to FILE
    ///
    /// Its last 20 lines are kept in any case, and shown when it ends or does not listen.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Server")]
    pub server_log: Option<PathBuf>,

    /// A load generator as the clients, run by the shell on their side of the network
    ///
    /// QVIZ_URL, QVIZ_HOST and QVIZ_PORT in its environment say where the server is. --rtt, --jitter and --loss hold for it. The lab's
    /// own clients come as well only with --rate or --arrivals.
    #[arg(long, value_name = "CMD", help_heading = "Clients")]
    pub load: Option<String>,

    /// The lab's options.
    #[command(flatten)]
    pub lab: LabArgs,

    /// The server: a program and its arguments, behind --
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
