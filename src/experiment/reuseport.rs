//! SO_REUSEPORT: three listeners on one port, each with its own queue and limit. Two accept at once, one never calls
//! accept(): its clients wait, then their SYNs are dropped, while the other queues are empty. In a second experiment
//! that listener is closed while clients wait in its queue.

use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use super::sysctl::SysctlOverride;
use super::{Env, Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::settings::Sysctl;
use crate::say;

/// Listeners of one port, and their clients.
struct Group {
    address: SocketAddr,
    /// The one that never calls accept().
    idle: Socket,
    /// Those that accept at once.
    busy: Vec<Socket>,
    /// Both ends of each accepted connection.
    served: Vec<(Socket, Option<Socket>)>,
    /// Clients in the idle listener's queue.
    waiting: Vec<Socket>,
    /// Clients whose SYN was dropped.
    dropped_clients: Vec<Socket>,
}

/// More clients than one queue holds.
pub(super) fn overflow(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    Group::open(experiment)?.overflow(experiment)
}

/// Closes a listener whose queue is full: without, then with tcp_migrate_req.
pub(super) fn close(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let migrate = SysctlOverride::new(experiment, Sysctl::MigrateReq, 0)?;
    let mut group = Group::open(experiment)?;
    group.fill(experiment)?;
    group.close_idle(experiment, "reset")?;
    migrate.set(experiment, 1)?;
    let mut group = Group::open(experiment)?;
    group.fill(experiment)?;
    group.close_idle(experiment, "moved")?;
    migrate.restore(experiment)
}

impl Group {
    fn open(experiment: &mut Experiment<'_>) -> Result<Self, ExperimentError> {
        let (idle, address) = member((Ipv4Addr::LOCALHOST, 0).into())?;
        let others: Result<Vec<_>, ExperimentError> =
            (1..MEMBERS).map(|_| member(address).map(|(socket, _)| socket)).collect();
        let call = format!("{MEMBERS} × SO_REUSEPORT, listen({BACKLOG})");
        experiment.record_call("server", call, format!("port {}", address.port()), CallOutcome::Plain);
        Ok(Self { address, idle, busy: others?, served: Vec::new(), waiting: Vec::new(), dropped_clients: Vec::new() })
    }

    /// Connects clients until the idle listener's queue is full.
    fn fill(&mut self, experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        let (_, limit) = self.queue(experiment.env())?;
        for _ in 0..MOST_CLIENTS {
            self.connect_client(experiment)?;
            if self.waiting.len() as u32 > limit {
                return Ok(());
            }
        }
        Err(ExperimentError::TimedOut(say!("a full queue").to_owned()))
    }

    /// Connects clients until several have their SYNs dropped, and checks that they stay in SYN_SENT.
    fn overflow(&mut self, experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        self.fill(experiment)?;
        let before = experiment.env().counter(OVERFLOWS);
        let served = self.served.len();
        for _ in 0..MOST_CLIENTS {
            self.connect_client(experiment)?;
            if self.dropped_clients.len() >= OUTSIDE && self.served.len() > served {
                break;
            }
        }
        let (depth, limit) = self.queue(experiment.env())?;
        let empty = self.depth_of_busy(experiment.env())?;
        let dropped = experiment.env().counter(OVERFLOWS).zip(before).map(|(now, before)| now - before);
        record_idle(experiment, (depth, limit), CallOutcome::Refused);
        experiment.record_call(
            "kernel",
            say!("listeners {which}", which = OTHERS),
            queued(empty, limit),
            CallOutcome::Good,
        );
        let dropped_clients = self.dropped_clients.len();
        experiment.record_call("client", format!("{dropped_clients} × connect()"), "SYN_SENT", CallOutcome::Silent);
        experiment.measure("group-members", MEMBERS as f64);
        experiment.measure("group-full-depth", f64::from(depth));
        experiment.measure("group-full-limit", f64::from(limit));
        experiment.measure("group-others-depth", f64::from(empty));
        experiment.measure("group-outside", dropped_clients as f64);
        experiment.measure("group-served-meanwhile", (self.served.len() - served) as f64);
        if let Some(dropped) = dropped {
            experiment.measure("group-syns-dropped", dropped as f64);
        }
        // A retransmitted SYN has the same addresses and ports: it selects the same listener.
        experiment.sleep(AFTER_RETRY)?;
        let still =
            self.dropped_clients.iter().filter(|client| state_of(experiment.env(), client) == Some(ends::SYN_SENT));
        let (still, tries) =
            (still.count(), self.dropped_clients.iter().map(|client| tries_of(experiment.env(), client)).sum::<u32>());
        experiment.record_call("client", format!("{tries} × SYN"), format!("{still} × SYN_SENT"), CallOutcome::Silent);
        experiment.measure("group-outside-after-retry", still as f64);
        experiment.measure("group-retries", f64::from(tries));
        Ok(())
    }

    /// Connects one client; the busy listeners accept it at once.
    fn connect_client(&mut self, experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        let client = ends::socket()?;
        ends::begin_connect(&client, self.address)?;
        // On loopback a SYN is answered, or dropped, before connect() returns.
        let connected = experiment.wait_until(say!("an answer to a SYN"), ends::SHORT_TIMEOUT, |env| {
            state_of(env, &client) == Some(ends::ESTABLISHED)
        });
        match connected {
            Err(ExperimentError::TimedOut(_)) => {
                self.dropped_clients.push(client);
                return Ok(());
            }
            other => other?,
        };
        let (was, before) = (self.waiting.len() as u32, self.served.len());
        experiment.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |env| {
            for listener in &self.busy {
                self.served.extend(listener.accept().map(|(accepted, _)| (accepted, None)));
            }
            self.served.len() > before || env.queue(self.idle.as_fd()).is_some_and(|(depth, _)| depth > was)
        })?;
        match self.served[before..].first_mut() {
            Some((_, end)) => *end = Some(client),
            None => self.waiting.push(client),
        }
        Ok(())
    }

    /// Closes the idle listener and observes the connections in its queue.
    fn close_idle(self, experiment: &mut Experiment<'_>, name: &str) -> Result<(), ExperimentError> {
        let queue = self.queue(experiment.env())?;
        record_idle(experiment, queue, CallOutcome::Plain);
        let before = experiment.env().counter(MIGRATED);
        drop(self.idle);
        experiment.record_call(
            "server",
            format!("{}: close()", say!("listener {which}", which = 1)),
            "0",
            CallOutcome::Plain,
        );
        let (mut reset, mut moved) = (0, 0);
        experiment.wait_until(say!("the end of those in the queue"), ends::TIMEOUT, |env| {
            reset = self.waiting.iter().filter(|client| state_of(env, client) == Some(CLOSED)).count();
            moved = depth_of(env, &self.busy).unwrap_or(0);
            reset + moved as usize == self.waiting.len()
        })?;
        let all = self.waiting.len();
        let reset = self.waiting.iter().filter(|client| is_reset(client)).count();
        let mood = if reset > 0 { CallOutcome::Refused } else { CallOutcome::Good };
        experiment.record_call("client", format!("{all} × read()"), format!("{reset} × ECONNRESET"), mood);
        let queued = say!("{depth} in the queue", depth = moved);
        experiment.record_call("kernel", say!("listeners {which}", which = OTHERS), queued, CallOutcome::Plain);
        experiment.measure(&format!("close-{name}-queued"), all as f64);
        experiment.measure(&format!("close-{name}-resets"), reset as f64);
        experiment.measure(&format!("close-{name}-moves"), f64::from(moved));
        // A kernel without the counter has the switch, and it does nothing (5.10).
        experiment.measure(&format!("close-{name}-possible"), f64::from(u8::from(before.is_some())));
        if let Some(counted) = experiment.env().counter(MIGRATED).zip(before).map(|(now, before)| now - before) {
            experiment.measure(&format!("close-{name}-counted"), counted as f64);
        }
        Ok(())
    }

    /// Depth and limit of the idle listener's queue.
    fn queue(&self, env: &dyn Env) -> Result<(u32, u32), ExperimentError> {
        env.queue(self.idle.as_fd()).ok_or_else(unread)
    }

    fn depth_of_busy(&self, env: &dyn Env) -> Result<u32, ExperimentError> {
        depth_of(env, &self.busy).ok_or_else(unread)
    }
}

/// Records the queue of the idle listener.
fn record_idle(experiment: &mut Experiment<'_>, (depth, limit): (u32, u32), mood: CallOutcome) {
    experiment.record_call("kernel", say!("listener {which}", which = 1), queued(depth, limit), mood);
}

fn queued(depth: u32, limit: u32) -> String {
    say!("{depth} in the queue, limit {limit}", depth, limit)
}

/// A member of the group.
fn member(address: SocketAddr) -> Result<(Socket, SocketAddr), ExperimentError> {
    let socket = ends::socket()?;
    ends::call("setsockopt(SO_REUSEPORT)", socket.set_reuse_port(true))?;
    ends::call(format!("bind({address})"), socket.bind(&address.into()))?;
    ends::call(format!("listen({BACKLOG})"), socket.listen(BACKLOG))?;
    ends::call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
    let address = ends::name(&socket)?;
    Ok((socket, address))
}

/// The sum of their queues' depths.
fn depth_of(env: &dyn Env, listeners: &[Socket]) -> Option<u32> {
    listeners.iter().map(|listener| env.queue(listener.as_fd()).map(|(depth, _)| depth)).sum()
}

fn unread() -> ExperimentError {
    ExperimentError::TimedOut(say!("the listener's limit").to_owned())
}

fn state_of(env: &dyn Env, client: &Socket) -> Option<u8> {
    env.connect_progress(client.as_fd()).map(|(_, state)| state)
}

/// A client's SYN retransmissions.
fn tries_of(env: &dyn Env, client: &Socket) -> u32 {
    env.connect_progress(client.as_fd()).map_or(0, |(retransmits, _)| retransmits)
}

/// True when reading returns ECONNRESET; it does so once.
fn is_reset(client: &Socket) -> bool {
    let error = client.recv(&mut [MaybeUninit::uninit()]).err();
    error.is_some_and(|error| ends::number(&error) == Errno::CONNRESET.raw_os_error())
}

/// TCP_CLOSE (include/net/tcp_states.h).
const CLOSED: u8 = 7;

const MEMBERS: usize = 3;
const BACKLOG: i32 = 2;

/// All but the first.
const OTHERS: &str = "2, 3";

/// Clients whose SYN shall be dropped.
const OUTSIDE: usize = 2;

/// Upper limit of clients: by far enough for a random choice among three listeners.
const MOST_CLIENTS: usize = 300;

/// Longer than the first SYN retransmission timeout.
const AFTER_RETRY: Duration = Duration::from_millis(1_300);

const OVERFLOWS: &str = "ListenOverflows";
const MIGRATED: &str = "TCPMigrateReqSuccess";
