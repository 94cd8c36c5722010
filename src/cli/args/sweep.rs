//! The arguments of `qviz sweep`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ClientArgs, KernelArgs, LabArgs, ListenerArgs, Net, OutputArgs, RunArgs, ServerArgs};
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

    /// accept() calls per second; several are tried one after the other [default: 3]
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
            server: ServerArgs { accept_rate, workers, service: Some(self.service.unwrap_or_default()) },
            kernel: self.kernel.clone(),
            run: RunArgs { duration: self.duration, seed: self.seed, ..RunArgs::default() },
            output: OutputArgs { headless: true, ..OutputArgs::default() },
        }
    }
}

/// What the command is for.
pub(super) const ABOUT: &str = "Run the same clients (same seed) in the lab against several backlogs, accept rates or numbers of workers, \
    headless, and compare: clients lost, packets dropped, connect times, waits in the queue, each beside what a formula predicts. With a \
    range LO..HI: the smallest backlog that loses nobody, confirmed by a second run; where none does, the accept rate or the \
    number of workers that does, proven by one more run.";
