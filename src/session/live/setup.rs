//! Opens everything that a live session needs, in the required order.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::actors::Actors;
use super::capture::Capture;
use super::driver::{LiveSession, Road};
use super::program::{NoListener, ServerProgram};
use super::sampler::Sampler;
use super::server::Server;
use super::sides::{ClientSide, ServerSide};
use super::site::LabSite;
use super::wire::{self, Wire, WirePlan};
use super::{LiveError, LivePlan};
use crate::kernel::own_socket::OwnListener;
use crate::kernel::proc::{self, CountersFile};
use crate::kernel::sock_diag::Diag;
use crate::kernel::tap::{self, IdleTap, LOOPBACK, TapPlan};
use crate::lab::connect::{ConnectClients, ConnectPlan};
use crate::lab::crowd::{Crowd, CrowdPlan, Outbox};
use crate::lab::listener::{ListenPlan, Listener};
use crate::lab::namespace::NetnsToken;
use crate::lab::program::Program;
use crate::lab::server::{self, ServerPlan, raise_descriptor_limit};
use crate::lab::wire::line::Line;
use crate::model::event::{Began, Event};
use crate::model::settings::{ClientKind, Sysctls};
use crate::session::clock::{Clock, WallClock};
use crate::session::files::{self, Existing};
use crate::session::live::experiments::ExperimentRunner;
use crate::session::pump::Pump;

/// Client starts per second above which details of single clients are omitted.
const DETAIL_PER_S: u32 = 2_000;

/// Size of the host tap's ring in bytes: 8,192 segments, several times what one turn of the loop can cause, and small enough for the
/// processor's cache.
const RING_BYTES: u32 = 2 << 20;

pub(super) fn open(mut plan: LivePlan, mut pump: Pump) -> Result<LiveSession, LiveError> {
    raise_descriptor_limit();
    let netns = plan.site.netns();
    let wired = netns.clone().filter(|_| may_be_wired(&plan));
    settle(&plan.sysctls, netns.as_ref())?;
    let (found, listener) = open_listener(&mut plan, wired.as_ref(), pump.clock)?;
    let listener = Arc::new(listener);
    let address = listener.address();
    let own = OwnListener::group(listener.members());
    let mut sysctls = proc::read_sysctls();
    if let Some(netns) = &netns {
        netns.complete(&mut sysctls);
    }
    let road = open_road(&plan, wired.as_ref(), &pump, &listener, &sysctls)?;
    let actors = open_actors(&plan, wired.as_ref(), &pump, address, &sysctls)?;
    let server = match found {
        Some(program) => Server::Program(Box::new(program)),
        None => Server::Own(ServerSide::start(open_server(&plan)?, &listener, pump.clock)?),
    };
    let beyond = wired.as_ref().and_then(|netns| netns.in_clients(CountersFile::open).ok()?.ok());
    let counters = [CountersFile::open().ok(), beyond];
    let sampler = Sampler::new(own, Diag::open().ok(), counters, address.port());
    let seen = !matches!(road, Road::Side { idle: None, .. });
    let began = began(&plan, address, seen, sysctls);
    let experiments = ExperimentRunner::new(pump.clock, netns.clone());
    let moved = pump.clock.now();
    pump.batch = plan.past.pending;
    let mut session = LiveSession {
        pump,
        wall: WallClock::default(),
        listener,
        server,
        load_command: plan.programs.as_ref().and_then(|programs| programs.load.clone()),
        load: None,
        ends_with_load: plan.programs.is_some_and(|programs| programs.ends_with_load),
        looked: moved,
        actors,
        road,
        sampler,
        experiments,
        netns,
        knobs: plan.knobs,
        count: plan.count,
        script: plan.script,
        late: 0,
        moved,
        _site: plan.site,
    };
    first_facts(&mut session, began);
    Ok(session)
}

/// The listener: qviz's own, or the one of the program that is to be the server, which then says what the backlog is.
fn open_listener(
    plan: &mut LivePlan,
    wired: Option<&NetnsToken>,
    clock: Clock,
) -> Result<(Option<ServerProgram>, Listener), LiveError> {
    let Some(programs) = plan.programs.clone() else {
        let address = plan.address.unwrap_or_else(|| plan.site.default_address());
        return Ok((None, Listener::open(&ListenPlan { address, backlog: plan.knobs.backlog })?));
    };
    if wired.is_none() {
        return Err(LiveError::ProgramNeedsLab);
    }
    let log = programs.log.map(open_log).transpose()?;
    let program = Program::start(&programs.server, log).map_err(NoListener::from)?;
    let (mut server, listener) = ServerProgram::find(program, programs.wanted, clock)?;
    server.asked(programs.backlog);
    if let Some(backlog) = programs.backlog {
        listener.relisten(backlog)?;
    }
    let limit = OwnListener::new(&listener).depth_and_limit().1;
    plan.knobs.backlog = programs.backlog.or_else(|| limit?.try_into().ok()).unwrap_or(plan.knobs.backlog);
    Ok((Some(server), listener))
}

/// The file for what the program writes, made anew.
fn open_log(path: PathBuf) -> Result<File, NoListener> {
    files::create(&path, Existing::Emptied).map_err(|source| NoListener::Log { path, source })
}

/// Sets the sysctls of the private network, whatever an earlier session left.
fn settle(sysctls: &Sysctls, netns: Option<&NetnsToken>) -> Result<(), LiveError> {
    let Some(netns) = netns else { return Ok(()) };
    for (sysctl, value) in sysctls.iter() {
        if let Some(value) = value {
            netns.write(sysctl, value)?;
        }
    }
    Ok(())
}

fn first_facts(session: &mut LiveSession, began: Began) {
    session.pump.push(Event::Began(Box::new(began)));
    let knobs = session.knobs.clone();
    let listening = session.listening(knobs.backlog);
    session.pump.push(Event::Listening(listening));
    session.pump.push(Event::Knobs(Box::new(knobs)));
    if let Server::Program(program) = &session.server {
        let state = program.state().clone();
        session.pump.push(Event::Program(Box::new(state)));
    }
}

fn began(plan: &LivePlan, address: SocketAddr, tap: bool, sysctls: Sysctls) -> Began {
    Began {
        kernel: proc::kernel_release(),
        environment: plan.site.environment(),
        fallback: plan.site.fallback(),
        pid: std::process::id(),
        seed: plan.seed,
        clients: plan.clients,
        address,
        tap,
        private_counters: matches!(plan.site, LabSite::Lab(_)),
        host: plan.host.clone(),
        sysctls,
        syn_rule: plan.site.syn_rule(),
        watched: false,
    }
}

fn open_server(plan: &LivePlan) -> Result<server::Server, LiveError> {
    Ok(server::Server::new(ServerPlan {
        workers: plan.knobs.workers,
        service: plan.knobs.service,
        accept_rate: plan.knobs.accept_rate,
        ..ServerPlan::default()
    })?)
}

/// The wire in the lab; on the host the tap, where it is allowed.
/// Whether segments can pass through qviz. Real clients do without where packet sockets alone are refused: they stand beside the
/// server then.
fn may_be_wired(plan: &LivePlan) -> bool {
    plan.clients == ClientKind::Wire || plan.capture.is_some() || tap::allowed().is_ok()
}

fn open_road(
    plan: &LivePlan,
    wired: Option<&NetnsToken>,
    pump: &Pump,
    listener: &Arc<Listener>,
    sysctls: &Sysctls,
) -> Result<Road, LiveError> {
    let address = listener.address();
    if let Some(netns) = wired {
        if !wire::is_reachable(address) {
            return Err(LiveError::WireNeedsLink(address));
        }
        let line = Line::new(plan.seed, plan.knobs.clone(), sysctls.clone(), DETAIL_PER_S);
        let real_clients = plan.clients == ClientKind::Connect;
        let began = WallClock::default().offset(&pump.clock);
        let began = u64::try_from(began).unwrap_or(0);
        let capture = plan.capture.as_deref().map(|path| Capture::open(path, began)).transpose()?;
        let (load, follow) = plan.programs.as_ref().map_or((false, false), |programs| (programs.load.is_some(), true));
        let clock = pump.clock;
        let plan = WirePlan { netns, clock, listener, sysctls, line, real_clients, load, follow, capture };
        return Ok(Road::Wire(Box::new(Wire::open(plan)?)));
    }
    if plan.capture.is_some() {
        return Err(LiveError::CaptureNeedsLab);
    }
    if plan.clients == ClientKind::Wire {
        return Err(LiveError::WireNeedsLab);
    }
    let specific = !address.ip().is_unspecified();
    let tap = IdleTap::open(&TapPlan {
        loopback: true,
        listener: specific.then(|| address.ip()),
        ring_bytes: RING_BYTES,
        ..TapPlan::new(LOOPBACK, address.port())
    });
    let idle = tap.inspect_err(|error| tracing::info!(%error, "no packet tap")).ok();
    Ok(Road::Side { idle, tap: None })
}

fn open_actors(
    plan: &LivePlan,
    wired: Option<&NetnsToken>,
    pump: &Pump,
    address: SocketAddr,
    sysctls: &Sysctls,
) -> Result<Actors, LiveError> {
    if plan.clients == ClientKind::Connect {
        let clients = ConnectClients::new(&connect_plan(plan, wired.is_some(), address))?;
        return Ok(Actors::Real(ClientSide::start(clients, wired.cloned(), pump.clock)?));
    }
    let crowd = Crowd::new(CrowdPlan {
        listener: address,
        seed: plan.seed,
        knobs: plan.knobs.clone(),
        sysctls: sysctls.clone(),
        count: plan.count,
        turns: plan.past.clients,
        detail_per_s: DETAIL_PER_S,
    });
    Ok(Actors::Made { crowd: Box::new(crowd), outbox: Outbox::default() })
}

fn connect_plan(plan: &LivePlan, beyond_wire: bool, address: SocketAddr) -> ConnectPlan {
    ConnectPlan {
        target: address,
        seed: plan.seed,
        rate: plan.knobs.rate,
        arrivals: plan.knobs.arrivals,
        count: plan.count,
        half_open: plan.knobs.half_open,
        half_open_timeout: HALF_OPEN_TIMEOUT,
        beyond_wire,
        max_live: None,
    }
}

/// How long a real half-open client stays silent: longer than the kernel keeps its request.
const HALF_OPEN_TIMEOUT: Duration = Duration::from_secs(90);
