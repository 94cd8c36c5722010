//! The arguments of `qviz watch`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::OutputArgs;
use crate::cli::values;
use crate::fold::fail_on::FailOn;
use crate::model::watch::Target;

/// Which listeners, for how long, and what is printed, served or recorded.
#[derive(Clone, Debug, Default, Args)]
pub struct WatchArgs {
    /// PORT, :PORT, ADDR:PORT (*:PORT as ss prints it), a unix socket's /PATH or @NAME, a program's name, pid:N, or a unit (redis.service); without it all listeners
    ///
    /// One that takes this port or address is watched in detail: who waits, who is half-open. Of an SO_REUSEPORT group that is the
    /// fullest member. Several addresses of a program or port are shown as a list. Nobody there yet: qviz waits for it.
    #[arg(value_parser = values::target)]
    pub target: Option<Target>,

    /// A command that runs meanwhile, such as a load test
    ///
    /// It starts when the watch has read everything once and a listener of TARGET is there (5 s at most), and the watch ends with it.
    /// Exit status 3 when a condition of --fail-on held, else the command's own. At the first failure the command is ended, but with
    /// --to-end not. With --netns or --pid it runs in that network namespace. With --json and --jsonl its output goes to stderr.
    #[arg(last = true, value_name = "COMMAND", value_hint = clap::ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,

    /// The watch.
    #[command(flatten)]
    pub run: WatchRunArgs,

    /// What comes out.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The watch as a whole.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Watch")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct WatchRunArgs {
    /// One careful look, then a table; with --json one document
    #[arg(long, conflicts_with_all = ["duration", "jsonl", "command"])]
    pub once: bool,

    /// End after DUR
    ///
    /// Without it a watch lasts until q or a signal.
    #[arg(long, value_name = "DUR", value_parser = values::period, allow_negative_numbers = true, conflicts_with = "command")]
    pub duration: Option<Duration>,

    /// End with exit status 3 at the first drop (overflow), when an accept queue is that full (full:80%), when a connection waits so long (wait:2s), or when none is accepted (stalled)
    ///
    /// overflow: the listener has dropped a SYN or a final ACK. full:80%: its accept queue holds 80 % of what fits, which is one more
    /// than its limit. wait:2s: the oldest connection in it has waited that long. stalled: connections wait and none is accepted, for three
    /// times the longest pause seen and three seconds at least. Give it several times for several. The reason stands on stderr. No picture. Without TARGET any listener counts.
    #[arg(long, value_name = "overflow|full:PCT|wait:DUR|stalled", value_parser = values::fail_on)]
    pub fail_on: Vec<FailOn>,

    /// Go on after the first failure of --fail-on, so that the whole number is known
    #[arg(long, requires = "fail_on")]
    pub to_end: bool,

    /// How the verdict of --fail-on is printed besides [default: text]
    ///
    /// github: as an annotation of the job on GitHub, on stdout (on stderr with --json and --jsonl).
    #[arg(long, value_name = "FORMAT", value_enum, requires = "fail_on")]
    pub format: Option<VerdictFormat>,

    /// Serve the queues as metrics (OpenMetrics) at http://ADDR:PORT/metrics; a bare PORT is on 127.0.0.1
    ///
    /// Beside the picture or --headless. One series per listening address, at most 200 addresses, the fullest first. Another address
    /// than loopback has to be written out: whoever reaches it can read them. Port 0 takes any free one. --print-alerts
    /// and --print-dashboard print alert rules and a dashboard.
    #[arg(long, value_name = "[ADDR:]PORT", value_parser = values::metrics, conflicts_with = "once")]
    pub metrics: Option<SocketAddr>,

    /// Answer who asks for pages on stdin: how --containers --metrics watches each namespace
    #[arg(long, hide = true, value_name = "NAMESPACE", conflicts_with_all = ["metrics", "containers", "once"])]
    pub metrics_pipe: Option<String>,

    /// Print alert rules for Prometheus
    #[arg(long, conflicts_with_all = ["target", "command", "print_dashboard"])]
    pub print_alerts: bool,

    /// Print what a target can be here, one a line: for completions
    #[arg(long, hide = true, conflicts_with_all = ["target", "command"])]
    pub print_targets: bool,

    /// Print a dashboard for Grafana
    #[arg(long, conflicts_with_all = ["target", "command"])]
    pub print_dashboard: bool,

    /// Watch another network namespace, by its file
    ///
    /// Such as /run/netns/blue or /proc/4242/ns/net. It needs the right to enter it (root, or the user who made it).
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath, conflicts_with = "pid")]
    pub netns: Option<PathBuf>,

    /// Watch the network namespace of this process, such as a container's
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..=4_194_304), allow_negative_numbers = true)]
    pub pid: Option<u32>,

    /// List the listeners of every network namespace of this machine that may be entered, containers' too
    ///
    /// One look, or with --duration so long. Each row has its namespace's container, unit or name. Root sees all of them; an ordinary user
    /// sees those of the own processes. With --metrics one page of all of them, at most 128, each series with the label namespace; those that
    /// come and go are noticed within 5 s.
    #[arg(long, visible_alias = "all-netns", conflicts_with_all = ["netns", "pid", "record", "fail_on", "jsonl", "command"])]
    pub containers: bool,

    /// Record the watch into FILE; qviz replay FILE shows it again
    ///
    /// Every fact as it came, one line of JSON each. An older recording is overwritten, any other file is not. At 1 GiB the recording
    /// ends and the watch goes on.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub record: Option<PathBuf>,
}

/// How a verdict is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerdictFormat {
    /// The reason on stderr
    #[default]
    Text,
    /// Besides an annotation of GitHub's
    Github,
}
