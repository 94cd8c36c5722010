//! The arguments of `qviz sweep`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ClientArgs, KernelArgs, LabArgs, ListenerArgs, Net, OutputArgs, ProgramArgs, RunArgs, ServerArgs};
use crate::cli::values::{self, Backlogs};
use crate::model::settings::AcceptRate;

/// Which values are tried, against which clients.
#[derive(Clone, Debug, Args)]
pub struct SweepArgs {
    /// The backlogs to try: a list, or LO..HI to find the smallest that loses nobody
    ///
    /// 5,64,511 tries each. 1..4096 searches: each next value follows from the results so far. A client is lost when the listener
    /// drops one of its packets, because it waits a second or more then, or when it gives up.
    #[arg(long, value_name = "LIST|LO..HI", value_parser = values::backlogs, allow_negative_numbers = true)]
    pub backlog: Backlogs,

    /// accept() calls per second; several are tried one after the other [default: 2]
    #[arg(long, value_name = "LIST", value_parser = values::accept_rate, value_delimiter = ',', allow_negative_numbers = true)]
    pub accept_rate: Vec<AcceptRate>,

    /// Workers that accept, serve, close, accept again; several numbers are tried one after the other
    #[arg(long, value_name = "LIST", value_parser = values::small_count, value_delimiter = ',', allow_negative_numbers = true)]
    pub workers: Vec<u32>,

    /// How long a connection is served by a worker [default: 0]
    #[arg(long, value_name = "DUR", value_parser = values::duration, allow_negative_numbers = true)]
    pub service: Option<Duration>,

    /// Runs for each value; the worst one counts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeat: u32,

    /// Draw clients lost and connect times over the backlog into an SVG file; - is stdout
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub svg: Option<PathBuf>,

    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,

    /// How long each run lasts [default: three bursts or waves, or 10s]
    #[arg(long, value_name = "DUR", value_parser = values::period, allow_negative_numbers = true)]
    pub duration: Option<Duration>,

    /// Seed of everything random, the same in each run [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// Where to listen; each run takes the next port [default: 198.51.100.1:8080]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::address)]
    pub listen: Option<SocketAddr>,

    /// A private network, or this host's loopback [default: auto]
    #[arg(long, value_name = "WHERE", value_enum)]
    pub net: Option<Net>,

    /// The listener of the server behind --, where it has several
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), requires = "command")]
    pub port: Option<u16>,

    /// How long its listener may take to appear [default: 10s]
    #[arg(long, value_name = "DUR", value_parser = values::duration, requires = "command")]
    pub ready: Option<Duration>,

    /// A server of your own, started anew for each run: a program and its arguments, behind --
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,

    /// The clients.
    #[command(flatten)]
    pub clients: ClientArgs,

    /// The kernel's settings.
    #[command(flatten)]
    pub kernel: KernelArgs,
}

impl SweepArgs {
    /// The options of one run of the lab.
    pub fn lab(&self, backlog: i32, accept_rate: Option<AcceptRate>, workers: Option<u32>) -> LabArgs {
        LabArgs {
            listener: ListenerArgs { backlog: Some(backlog), listen: self.listen, net: self.net },
            clients: self.clients.clone(),
            server: ServerArgs {
                accept_rate,
                workers,
                service: self.service.or(self.command.is_empty().then_some(Duration::ZERO)),
            },
            kernel: self.kernel.clone(),
            run: RunArgs { duration: self.duration, seed: self.seed, ..RunArgs::default() },
            output: OutputArgs { headless: true, ..OutputArgs::default() },
        }
    }

    /// The same with the server behind --; `None` where there is none.
    pub fn program(&self, lab: &LabArgs) -> Option<ProgramArgs> {
        let (port, ready, command) = (self.port, self.ready, self.command.clone());
        (!command.is_empty()).then(|| ProgramArgs { port, ready, command, lab: lab.clone(), ..ProgramArgs::default() })
    }
}

/// What the command is for.
pub(super) const ABOUT: &str = "Run the same clients (same seed) in the lab against several backlogs, accept rates or numbers of workers, \
    headless, and compare: clients lost, packets dropped, connect times, waits in the queue, each beside what a formula predicts. With a \
    range LO..HI: the smallest backlog that loses nobody, confirmed by a second run; where none does, the accept rate or the \
    number of workers that does, proven by one more run. Behind --: a server of your own, started anew for each run; what it accepts is \
    its own, so that nothing is predicted.";
