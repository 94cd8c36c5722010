//! Arguments → plan: what the options mean together. Pure; everything that depends on the place is passed in as [`PlanEnv`].

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::args::{Client, Color, KernelArgs, LabArgs, Net, OutputArgs};
use super::defaults;
use super::exit::Failure;
use crate::lab::namespace;
use crate::model::settings::{AcceptRate, Arrivals, Knobs, Sysctl, Sysctls};
use crate::say;
use crate::session::live::program::ProgramsPlan;

pub use self::watch::{WatchPlace, WatchPlan};

mod run;
mod watch;

/// What the plan has to know of its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanEnv {
    /// Stdout is a terminal.
    pub screen: bool,
    /// Keys can be read: stdin is a terminal, or the controlling terminal can be opened.
    pub keys: bool,
}

/// A run of the lab.
#[derive(Clone, Debug, PartialEq)]
pub struct LabPlan {
    /// What comes out.
    pub form: Form,
    /// Where the listener is opened.
    pub net: Net,
    /// Which clients; `None`: the place's own.
    pub client: Option<Client>,
    /// Where to listen; `None`: the place's own.
    pub address: Option<SocketAddr>,
    /// The lab's knobs at the start.
    pub knobs: Knobs,
    /// The private network's sysctls where they differ from the host's.
    pub overrides: Sysctls,
    /// The options that gave them.
    pub kernel_options: Vec<&'static str>,
    /// The options given that mean packet-level clients alone.
    pub wire_options: Vec<&'static str>,
    /// The seed of everything random.
    pub seed: u64,
    /// How many clients at most.
    pub count: Option<u64>,
    /// How long at most.
    pub duration: Option<Duration>,
    /// How long clients wait before the first of them starts.
    pub delay: Duration,
    /// A program as the server; `None`: qviz's own.
    pub programs: Option<ProgramsPlan>,
    /// Where the frames are captured.
    pub capture: Option<PathBuf>,
    /// Where the run is recorded.
    pub record: Option<PathBuf>,
    /// ASCII characters only.
    pub ascii: bool,
    /// Colours of the picture.
    pub color: Color,
    /// The theme's name.
    pub theme: String,
    /// Large and high in contrast, for a room.
    pub projector: bool,
    /// The mouse is for the picture.
    pub mouse: bool,
}

/// The form of what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The live picture, then the summary as text.
    Picture,
    /// The summary as text.
    Text,
    /// The summary as one JSON document.
    Json,
    /// A JSON object for each event, the summary last.
    Jsonl,
}

impl LabPlan {
    /// The plan for these arguments.
    ///
    /// # Errors
    /// Arguments that cannot be used together, or not here.
    pub fn new(args: &LabArgs, here: PlanEnv) -> Result<Self, Failure> {
        let form = form(&args.output, here)?;
        let net = args.listener.net.unwrap_or_default();
        let client = args.clients.client;
        let address = args.listener.listen;
        let kernel_options = args.kernel.given();
        only_in_the_lab(net, client, &kernel_options)?;
        if let Some(address) = address {
            reachable(address, net)?;
        }
        Ok(Self {
            form,
            net,
            client,
            address,
            knobs: knobs(args),
            overrides: overrides(&args.kernel),
            kernel_options,
            wire_options: args.clients.wire_only(),
            seed: args.run.seed.unwrap_or(defaults::SEED),
            count: args.clients.count,
            duration: args.run.duration,
            delay: args.run.delay.unwrap_or_default(),
            programs: None,
            capture: args.run.pcap.clone(),
            record: args.run.record.clone(),
            ascii: args.output.ascii,
            color: args.output.color.unwrap_or_default(),
            theme: args.output.theme.clone().unwrap_or_else(|| defaults::THEME.to_owned()),
            projector: args.output.projector,
            mouse: !args.output.no_mouse,
        })
    }
}

/// The command that makes the same run again: the arguments as they were written, and the seed.
pub fn repeat(arguments: &[String], seed: u64) -> String {
    // What stands behind -- is a server's own.
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let (ours, rest) = arguments.split_at(end);
    if ours.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
        return command(arguments);
    }
    let seed = ["--seed".to_owned(), seed.to_string()];
    command(&[ours, &seed, rest].concat())
}

/// The command as a shell would need it.
pub fn command(arguments: &[String]) -> String {
    arguments.iter().fold("qviz".to_owned(), |command, word| command + " " + &quote(word))
}

/// What comes out here.
///
/// # Errors
/// A picture without keys.
pub fn form(output: &OutputArgs, here: PlanEnv) -> Result<Form, Failure> {
    if output.jsonl {
        return Ok(Form::Jsonl);
    }
    if output.json {
        return Ok(Form::Json);
    }
    if output.headless || !here.screen {
        return Ok(Form::Text);
    }
    if here.keys {
        return Ok(Form::Picture);
    }
    Err(Failure::new(
        say!(
            "the picture needs keys, but stdin is not a terminal and there is no controlling terminal (/dev/tty) either"
        ),
        "qviz --headless --duration 5s",
    ))
}

fn only_in_the_lab(net: Net, client: Option<Client>, kernel_options: &[&str]) -> Result<(), Failure> {
    if net == Net::Here {
        return only_packets_here(client, kernel_options);
    }
    if net != Net::Host {
        return Ok(());
    }
    if let Some(option) = kernel_options.first() {
        return Err(Failure::usage(
            say!(
                "{option} cannot be used with --net host: it would change this host's own settings, which qviz never does",
                option
            ),
            say!("leave --net host away, so that {option} changes the private network alone", option),
        ));
    }
    if client == Some(Client::Wire) {
        return Err(Failure::usage(
            say!("--client wire cannot be used with --net host: packet-level clients need the private network"),
            say!("--client connect, or leave --net host away"),
        ));
    }
    Ok(())
}

/// What the lab in the present namespace does not have: settings and real clients of its own.
fn only_packets_here(client: Option<Client>, kernel_options: &[&str]) -> Result<(), Failure> {
    if let Some(option) = kernel_options.first() {
        return Err(Failure::usage(
            say!(
                "{option} cannot be used with --net here: it would change settings of others in this network namespace, which qviz never does",
                option
            ),
            say!("leave --net here away, so that {option} changes the private network alone", option),
        ));
    }
    if client == Some(Client::Connect) {
        return Err(Failure::usage(
            say!("--client connect cannot be used with --net here: real clients need a network namespace of their own"),
            say!("--client wire, or leave --net here away"),
        ));
    }
    Ok(())
}

/// Addresses on which no server can listen, or which no wire client can reach.
fn reachable(address: SocketAddr, net: Net) -> Result<(), Failure> {
    let ip = address.ip();
    let nowhere = match ip {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    if nowhere {
        return Err(Failure::usage(
            say!("--listen {address}: a multicast or broadcast address cannot be listened on with TCP", address),
            "--listen 198.51.100.1:8080",
        ));
    }
    if net != Net::Host && !namespace::reachable_by_wire(ip) {
        return Err(Failure::usage(
            say!(
                "--listen {address}: the lab's clients cannot reach it, the kernel takes {ip} from loopback alone",
                address,
                ip
            ),
            "--listen [2001:db8::1]:8080",
        ));
    }
    Ok(())
}

fn knobs(args: &LabArgs) -> Knobs {
    let clients = &args.clients;
    let server = &args.server;
    let default_rhythm = clients.rate.is_none() && clients.arrivals.is_none();
    let arrivals = match clients.arrivals {
        Some(arrivals) => arrivals,
        None if default_rhythm => defaults::ARRIVALS,
        None => Arrivals::Steady,
    };
    let accept_rate = server.accept_rate.unwrap_or(match server.workers {
        Some(_) => defaults::ACCEPT_RATE_WITH_WORKERS,
        None => defaults::ACCEPT_RATE,
    });
    let service = if default_rhythm { defaults::SERVICE_SEEN } else { defaults::SERVICE };
    let jitter = if clients.rtt.is_some() { Duration::ZERO } else { defaults::JITTER };
    Knobs {
        backlog: args.listener.backlog.unwrap_or(defaults::BACKLOG),
        rate: clients.rate.unwrap_or(defaults::RATE),
        arrivals,
        accept_rate: effective(accept_rate),
        half_open: clients.half_open.unwrap_or(defaults::HALF_OPEN),
        loss: clients.loss.unwrap_or(defaults::LOSS),
        rtt: clients.rtt.unwrap_or(defaults::RTT),
        jitter: clients.jitter.unwrap_or(jitter),
        workers: server.workers,
        service: server.service.unwrap_or(service),
    }
}

/// No call in a thousand years is no call.
fn effective(rate: AcceptRate) -> AcceptRate {
    match rate {
        AcceptRate::PerSecond(rate) if rate <= 0.0 => AcceptRate::Paused,
        other => other,
    }
}

fn overrides(kernel: &KernelArgs) -> Sysctls {
    let given = [
        (Sysctl::Syncookies, kernel.syncookies),
        (Sysctl::AbortOnOverflow, kernel.abort_on_overflow),
        (Sysctl::MaxSynBacklog, kernel.max_syn_backlog),
        (Sysctl::Somaxconn, kernel.somaxconn),
        (Sysctl::SynackRetries, kernel.synack_retries),
        (Sysctl::SynRetries, kernel.syn_retries),
    ];
    let mut overrides = Sysctls::default();
    for (sysctl, value) in given {
        if let Some(value) = value {
            overrides.set(sysctl, value);
        }
    }
    overrides
}

/// The word as a shell would need it.
pub(super) fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,=%@+[]".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) && !word.starts_with('[') {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        let escaped: String = word.chars().map(escape).collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A character between `$'` and `'`.
fn escape(one: char) -> String {
    match one {
        '\n' => r"\n".to_owned(),
        '\t' => r"\t".to_owned(),
        '\\' | '\'' => format!(r"\{one}"),
        one if one.is_control() => format!(r"\u{:04x}", u32::from(one)),
        one => one.to_string(),
    }
}
