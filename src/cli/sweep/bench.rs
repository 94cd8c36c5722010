//! One run after the other in one network: each has a listener, a port, clients and a world of its own. What serves is the lab's own
//! server, or a program that is started anew for each run: in one that goes on, requests of the run before would wait.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::cli::environment::RunEnvironment;
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::{self, End, Outputs, Signals};
use crate::cli::plan::LabPlan;
use crate::fold::world::World;
use crate::lab::namespace::LISTENER_V4;
use crate::model::delivery::Outcome;
use crate::model::event::{Event, Stamped};
use crate::model::peer::Peer;
use crate::model::settings::{Knobs, Sysctls};
use crate::report::summary::Summary;
use crate::scenario::Script;
use crate::session::live::program::ProgramsPlan;
use crate::session::live::{self, LabSite, LivePlan, Past};
use crate::session::observer::EventObserver;

/// Where the runs take place.
pub(super) struct Bench {
    environment: RunEnvironment,
    host: Sysctls,
    address: Option<SocketAddr>,
    seed: u64,
    count: Option<u64>,
    duration: Duration,
    signals: Signals,
    programs: Option<ProgramsPlan>,
    opened: u16,
    /// Clients of all runs so far.
    came: u64,
}

/// Why a sweep stops before its end.
pub(super) enum Stop {
    /// This signal.
    Signal(u8),
    /// A run could not be made.
    Failed(Failure),
}

/// What one run came to.
pub(super) struct Measured {
    pub(super) summary: Summary,
    /// Clients of which the listener dropped at least one packet.
    pub(super) clients_hit: u64,
}

impl Bench {
    /// Call it inside of the runtime.
    ///
    /// # Errors
    /// A [`Failure`] where signals cannot be taken over.
    pub(super) fn new(
        environment: RunEnvironment,
        host: Sysctls,
        plan: &LabPlan,
        (count, duration): (Option<u64>, Duration),
    ) -> Result<Self, Failure> {
        let (address, seed, signals) = (plan.address, plan.seed, Signals::take()?);
        let programs = plan.programs.clone();
        Ok(Self { environment, host, address, seed, count, duration, signals, programs, opened: 0, came: 0 })
    }

    /// True when a program is the server.
    pub(super) const fn has_program(&self) -> bool {
        self.programs.is_some()
    }

    /// Runs the clients against these settings.
    ///
    /// # Errors
    /// A signal, and as for every run of the lab.
    pub(super) async fn measure(&mut self, knobs: Knobs) -> Result<Measured, Stop> {
        let backlog = Some(knobs.backlog);
        let programs = self.programs.clone().map(|programs| ProgramsPlan { backlog, ..programs });
        // A program's port stays the same: each run has clients that it does not know.
        let clients = if programs.is_some() { self.came } else { 0 };
        let mut session = live::start(LivePlan {
            capture: None,
            knobs,
            clients: self.environment.clients,
            address: Some(self.next_address()),
            seed: self.seed,
            count: self.count,
            duration: Some(self.duration),
            site: self.environment.place.clone(),
            script: Script::default(),
            host: self.host.clone(),
            sysctls: Sysctls::default(),
            programs,
            past: Past { clients, ..Past::default() },
        })
        .map_err(|error| {
            Stop::Failed(Failure { message: error.to_string(), hint: Some(error.hint()), exit: Exit::Error })
        })?;
        let (mut world, mut hit) = (World::new(), HitClients::default());
        let outputs = Outputs { lines: None, observer: &mut hit };
        let end = headless::follow(&mut session, &mut world, &mut self.signals, outputs).await.map_err(Stop::Failed)?;
        if let End::Signal(number) = end {
            return Err(Stop::Signal(number));
        }
        let summary = Summary::of(&world);
        self.came += summary.clients.started;
        let clients_hit = hit.count().unwrap_or_else(|| at_least(&summary));
        Ok(Measured { summary, clients_hit })
    }

    /// A port of its own for each run: the kernel keeps connections and requests of the listener before for a while, and they must
    /// not be taken for this one's.
    fn next_address(&mut self) -> SocketAddr {
        let own = match self.environment.place {
            LabSite::Lab(_) => SocketAddr::new(IpAddr::V4(LISTENER_V4), FIRST_PORT),
            LabSite::Host { .. } => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        };
        let mut address = self.address.unwrap_or(own);
        if address.port() != 0 {
            address.set_port(address.port().saturating_add(self.opened));
        }
        self.opened = self.opened.wrapping_add(1);
        address
    }
}

/// The clients that a drop has hit, each once.
#[derive(Default)]
struct HitClients {
    peers: BTreeSet<Peer>,
    /// True when outcomes were seen, packet by packet.
    delivers: bool,
}

impl HitClients {
    fn count(&self) -> Option<u64> {
        self.delivers.then_some(self.peers.len() as u64)
    }
}

impl EventObserver for HitClients {
    fn observe(&mut self, _: &World, fact: &Stamped) {
        if let Event::Delivered(delivery) = &fact.event {
            self.delivers = true;
            if let Outcome::Dropped(_) = delivery.outcome {
                self.peers.insert(delivery.segment.peer);
            }
        }
    }
}

/// Where single outcomes were not seen: the most clients that one cause has hit.
fn at_least(summary: &Summary) -> u64 {
    let by_listener = summary.drops.iter().filter(|drop| drop.cause.is_listen_drop());
    by_listener.filter_map(|drop| drop.clients).max().unwrap_or(0)
}

const FIRST_PORT: u16 = 8080;
