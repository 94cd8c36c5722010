//! The arguments of `qviz tune`.

use clap::Args;

use crate::cli::values;
use crate::model::watch::Target;

/// Which listener, and its new backlog.
#[derive(Clone, Debug, Args)]
pub struct TuneArgs {
    /// PORT, :PORT, ADDR:PORT, or a unix socket's /PATH or @NAME
    ///
    /// All sockets of an SO_REUSEPORT group are changed. Where several programs listen on the port, nothing is changed: name the
    /// address, or the process with --pid.
    #[arg(value_parser = values::target)]
    pub target: Target,

    /// Second argument of listen(2); the kernel takes the smaller of it and net.core.somaxconn as the limit
    #[arg(long, value_name = "N", value_parser = values::backlog, allow_negative_numbers = true)]
    pub backlog: i32,

    /// Look in the network namespace of this process; of several listeners there, take those that it has open
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..=4_194_304), allow_negative_numbers = true)]
    pub pid: Option<u32>,

    /// Change nothing: find the listener, try the rights, and say what would be
    #[arg(long)]
    pub dry_run: bool,

    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// What the command is for.
pub(super) const ABOUT: &str = "Change the backlog of a listener of this machine while its program runs: listen(2) is called again on a copy of \
    the program's descriptor (pidfd_getfd). Connections that wait stay, nothing is restarted. It needs the program's own user, or \
    root. Prints the limit before and after, what net.core.somaxconn makes of it, how to undo it, and the line of the program's \
    own configuration that makes it last.";
