//! The arguments of the command line. What they mean together is decided in [`plan`](super::plan).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::choices::{Client, Color};
pub use self::config::ConfigArgs;
pub use self::demo::DemoArgs;
pub use self::kernel::KernelArgs;
pub use self::lesson::LessonArgs;
pub use self::replay::{FrameArgs, ReplayArgs};
pub use self::run::ProgramArgs;
pub use self::shell::CompletionShell;
pub use self::sweep::SweepArgs;
pub use self::tune::TuneArgs;
pub use self::watch::{VerdictFormat, WatchArgs};
use super::lang::LangArgs;
use super::{examples, values, version};
use crate::model::settings::{AcceptRate, Arrivals};
use crate::ui::theme;

mod choices;
mod config;
mod demo;
mod given;
mod kernel;
mod lesson;
mod replay;
mod run;
mod shell;
mod sweep;
mod tune;
mod watch;

/// The whole command line.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "qviz",
    version,
    long_version = version::LONG,
    about = "See the listen queues of a real TCP listener: fill, overflow, drop, drain",
    long_about = "See the listen queues of a real TCP listener: fill, overflow, drop, drain.\n\n\
        Without a command, qviz makes a private network (no root needed), listens in it with the given backlog, sends its own \
        clients there, and shows the SYN queue and the accept queue of the real Linux kernel, live. Nothing outside of that \
        network is touched. Leave with q; a summary of the run follows.",
    after_help = examples::SHORT,
    after_long_help = examples::LONG,
    args_conflicts_with_subcommands = true,
    max_term_width = 110,
    help_template = "{about-with-newline}\n{usage-heading} {usage}\n\n{all-args}{after-help}"
)]
pub struct Cli {
    /// What to do; the lab where nothing is named.
    #[command(subcommand)]
    pub verb: Option<CliCommand>,

    /// The lab's options.
    #[command(flatten)]
    pub lab: LabArgs,

    /// The language.
    #[command(flatten)]
    pub language: LangArgs,

    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Everything but the lab.
#[derive(Clone, Debug, Subcommand)]
pub enum CliCommand {
    /// Your own server in the lab: its queues under a load and at a distance of your choice
    #[command(
        long_about = "Your own server in the lab: its queues under a load and at a distance of your choice. The program runs in the \
        private network, as you, and ends with qviz, with everything that it has started. All of the lab works on it: the picture, the \
        keys (left and right call listen() with another backlog while it runs), --json, --record, --pcap. The clients are the lab's, or \
        with --load a load generator of your own.",
        after_help = "Example: qviz run --backlog 64 --rate 200 -- python3 -m http.server 8000"
    )]
    Run(Box<ProgramArgs>),
    /// Watch the listeners of this machine: how full, who waits, what is dropped and why
    #[command(
        long_about = "Watch the listeners of this machine, other people's: how full their queues are, who waits and for how long, what \
        is dropped and why, and what would change it. It only reads: no connection is opened, nothing is changed, no root is needed. \
        With CAP_NET_RAW (root) every SYN is seen too."
    )]
    Watch(Box<WatchArgs>),
    /// Compare backlogs, accept rates or workers under the same clients; find the smallest backlog that loses nobody
    #[command(long_about = sweep::ABOUT)]
    Sweep(Box<SweepArgs>),
    /// Change the backlog of a listener of this machine while its program runs
    #[command(long_about = tune::ABOUT)]
    Tune(TuneArgs),
    /// Lessons on the listen queues, played on the real kernel; without a name: the list
    #[command(
        long_about = "Lessons on the listen queues, played on the real kernel, beside the picture: what is said, asked, predicted and then \
        measured. Without a name: the list, in the order in which they are best taken. --check plays without a screen, tries what has \
        to be so, and decides each claim of the textbooks by what was measured here. Your own lesson is a TOML file."
    )]
    Lesson(Box<LessonArgs>),
    /// Show a recording again, with pause, speed and seek; or draw one moment of it into a file
    #[command(
        long_about = "Show a recording (qviz --record FILE) again, with pause, speed and seek; print its summary, which is that \
        of the run itself; or draw one moment of it as text or SVG, or all of it as a terminal recording."
    )]
    Replay(ReplayArgs),
    /// Play a recorded lesson that comes with qviz, with its story; works on any Linux
    #[command(
        long_about = "Play a recorded lesson that comes with qviz, with its story: no rights, no private network, no file needed. Pause, \
        speed, seek and step are those of qviz replay."
    )]
    Demo(DemoArgs),
    /// Explain a cause, counter, sysctl, finding or key in plain words
    #[command(
        long_about = "Explain a cause, counter, sysctl, finding or key in plain words, with the kernel function that it \
        comes from and what to do about it. Without a topic: all of them, one line each."
    )]
    Explain {
        /// What to explain, such as ListenOverflows, somaxconn, tcp-backlog, or a message of the kernel or of netstat -s
        topic: Vec<String>,
    },
    /// Show what works here, what does not, why, and the command that would change it
    #[command(
        long_about = "Show what works here, what does not, why, and the command that would change it: rights, namespaces, \
        sysctls, kernel behaviour, terminal. Exits 0 when the lab works in one of its ways, 1 when it does not."
    )]
    Doctor {
        /// One JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print the configuration in force
    #[command(
        long_about = "Print the configuration in force: the file that was read, and the defaults that stand in it. Without a file: where it \
        would be."
    )]
    Config,
    /// Print completions for a shell
    #[command(long_about = "Print completions for a shell, for example: qviz completions bash > \
        ~/.local/share/bash-completion/completions/qviz")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: CompletionShell,
    },
    /// Print a manual page: qviz man | man -l -
    #[command(
        long_about = "Print a manual page: that of qviz, or that of one of its commands, for example: qviz man watch | man -l -"
    )]
    Man {
        /// The command [default: qviz itself]
        command: Option<String>,
    },
}

/// The options of the lab.
#[derive(Clone, Debug, Default, Args)]
pub struct LabArgs {
    /// The listener.
    #[command(flatten)]
    pub listener: ListenerArgs,
    /// The clients.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// The server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The kernel's settings.
    #[command(flatten)]
    pub kernel: KernelArgs,
    /// The run.
    #[command(flatten)]
    pub run: RunArgs,
    /// What comes out.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The listener and its network.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Listener")]
pub struct ListenerArgs {
    /// Second argument of listen(2) [default: 5]
    ///
    /// The kernel takes the smaller of it and net.core.somaxconn as the limit, and holds one connection more than the limit. 0 is
    /// allowed (holds 1); so are numbers above somaxconn.
    #[arg(long, value_name = "N", value_parser = values::backlog, allow_negative_numbers = true)]
    pub backlog: Option<i32>,

    /// Where to listen [default: 198.51.100.1:8080]
    ///
    /// IPv4 or IPv6, port 0 for any. On the host it is 127.0.0.1:8080.
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::address)]
    pub listen: Option<SocketAddr>,

    /// A private network, or this host's loopback [default: auto]
    ///
    /// auto takes the private network, and where the kernel refuses it, the host's loopback with the reason shown. here: a pair of
    /// links in the network namespace in which qviz runs, which must be a container's own, needs CAP_NET_ADMIN and has packet-level
    /// clients alone. The host's settings are never changed, nor those of a container.
    #[arg(long, value_name = "WHERE", value_enum, hide_possible_values = false)]
    pub net: Option<Net>,
}

/// The clients and the network between them and the listener.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Clients")]
pub struct ClientArgs {
    /// Packet-level or real connect(2) clients [default: wire]
    ///
    /// wire: packet-level clients, each with an address, a round-trip time and a retry schedule of its own; they need the private
    /// network. connect: real connect(2) calls, the only kind on the host.
    #[arg(long, value_name = "KIND", value_enum)]
    pub client: Option<Client>,

    /// Arrivals per second; 0 = none
    ///
    /// Decimals, k and m are understood; a rate beyond what the machine can do runs as fast as it can and says so. [default:
    /// waves of 20 clients every 12 s; 5 with --arrivals steady or poisson]
    #[arg(long, value_name = "R", value_parser = values::rate, allow_negative_numbers = true)]
    pub rate: Option<f64>,

    /// Stop after N clients
    ///
    /// Without --duration the run ends when the last of them is over.
    #[arg(long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub count: Option<u64>,

    /// steady, poisson, burst:N/PERIOD or wave:N/PERIOD
    ///
    /// steady: one client every 1/rate s. poisson: random, at the given mean rate. burst:20/1s: 20 at once, at the start and every
    /// second. wave:20/12s: 20 over the first third of every 12 s, then quiet. Bursts and waves ignore --rate. [default: steady with
    /// --rate, else wave:20/12s]
    #[arg(long, value_name = "PATTERN", value_parser = values::arrivals)]
    pub arrivals: Option<Arrivals>,

    /// Round-trip time of the lab's clients [default: 600ms]
    #[arg(long, value_name = "DUR", value_parser = values::duration, allow_negative_numbers = true)]
    pub rtt: Option<Duration>,

    /// A client's own round-trip time is RTT ± jitter [default: 150ms, 0 with --rtt]
    #[arg(long, value_name = "DUR", value_parser = values::duration, allow_negative_numbers = true)]
    pub jitter: Option<Duration>,

    /// Segments lost on the way, each way [default: 0%]
    #[arg(long, value_name = "PCT", value_parser = values::share, allow_negative_numbers = true)]
    pub loss: Option<f64>,

    /// Clients that never send their final ACK [default: 0%]
    #[arg(long, value_name = "PCT", value_parser = values::share, allow_negative_numbers = true)]
    pub half_open: Option<f64>,
}

/// The server.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// accept() calls per second, max, or 0 = paused [default: 2; max with --workers]
    #[arg(long, value_name = "R", value_parser = values::accept_rate, allow_negative_numbers = true)]
    pub accept_rate: Option<AcceptRate>,

    /// N workers that accept, serve, close, accept again
    ///
    /// 1 is an iterative server. Without it each accepted connection is served at once, next to the others.
    #[arg(long, value_name = "N", value_parser = values::small_count, allow_negative_numbers = true)]
    pub workers: Option<u32>,

    /// How long a connection is served [default: 1s, 0 with --rate or --arrivals]
    #[arg(long, value_name = "DUR", value_parser = values::duration, allow_negative_numbers = true)]
    pub service: Option<Duration>,
}

/// The run as a whole.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// End after DUR
    ///
    /// The clock starts when the listener is ready. Without --duration and --count a run lasts until q or a signal.
    #[arg(long, value_name = "DUR", value_parser = values::period, allow_negative_numbers = true)]
    pub duration: Option<Duration>,

    /// Clients wait for DUR before the first of them starts [default: 0s]
    ///
    /// The listener is there from the beginning: time to attach ss, nstat or a capture to the lab.
    #[arg(long, value_name = "DUR", value_parser = values::duration, allow_negative_numbers = true)]
    pub delay: Option<Duration>,

    /// Seed of everything random [default: 1]
    ///
    /// The same seed gives the same arrivals and the same losses on every machine.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// Record the run into FILE; qviz replay FILE shows it again
    ///
    /// Every fact as it came, one line of JSON each. An older recording is overwritten, any other file is not. At 1 GiB the recording
    /// ends and the run goes on.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// Write all frames at the listener to FILE (pcapng), each with what became of it
    ///
    /// Each packet that was decided on has a comment: dropped and why, queued, accepted after how long, answered, reset. Wireshark and
    /// tshark show it. Lab only. An older capture is overwritten, any other file is not.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub pcap: Option<PathBuf>,

    /// Write what qviz does to FILE, with times
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub log: Option<PathBuf>,
}

/// What comes out.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct OutputArgs {
    /// No picture; a summary in plain text at the end
    ///
    /// Also chosen when stdout is not a terminal. SIGINT, SIGTERM and SIGHUP end the run after its summary.
    #[arg(long)]
    pub headless: bool,

    /// Headless; one JSON document at the end
    #[arg(long, conflicts_with = "jsonl")]
    pub json: bool,

    /// Headless; one JSON object per event, the summary last
    #[arg(long)]
    pub jsonl: bool,

    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,

    /// Colours of the picture [default: auto]
    ///
    /// auto: as the terminal can, none with NO_COLOR.
    #[arg(long, value_name = "WHEN", value_enum)]
    pub color: Option<Color>,

    /// Theme of the picture [default: dark]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(theme::NAMES))]
    pub theme: Option<String>,

    /// Fewer, larger things in high contrast, for the last row of a room
    ///
    /// Both queues with large places, the numbers that matter in large digits, a dropped SYN with its cause in large words; at
    /// 80x24 and up. --theme light is for a bright room. The key P does the same. [default: off]
    #[arg(long)]
    pub projector: bool,

    /// Leave the mouse to the terminal
    ///
    /// Otherwise a click on a connection opens its ladder, a click on a key presses it, and the wheel scrolls; Shift+drag selects text
    /// as ever. Every mouse action has a key.
    #[arg(long)]
    pub no_mouse: bool,
}

/// Where the listener is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Net {
    /// The private network, else the host with the reason shown
    #[default]
    Auto,
    /// The private network or nothing
    Lab,
    /// The network namespace in which qviz runs: a container's, never the machine's first one
    Here,
    /// This host's loopback
    Host,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
