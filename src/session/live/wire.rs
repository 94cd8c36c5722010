//! The wire: the only road between the lab's clients and its listener. Every frame to the listener is put on the link here, one after
//! the other; after each that can have more than one outcome, the outcome is read before the next one goes.

use std::net::SocketAddr;
use std::sync::Arc;

use super::LiveError;
use super::actors::Actors;
use super::capture::Capture;
use super::load::LoadClients;
use crate::kernel::own_socket::{self, OwnListener};
use crate::kernel::proc::CountersFile;
use crate::kernel::tap::TapError;
use crate::kernel::tap::decode::ListenerEnd;
use crate::kernel::tap::frames::{self, Frames, IdleFrames};
use crate::lab::listener::{Listener, Member};
use crate::lab::namespace::NetnsToken;
use crate::lab::wire::carry::{self, Carrier};
use crate::lab::wire::line::{Carried, Line, Passage};
use crate::lab::wire::outcome::{Answer, Outcomes};
use crate::lab::wire::transmit::{Transmit, TransmitError};
use crate::model::client_clock::StepOutcome;
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::peer::Peer;
use crate::model::sample::HalfOpen;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::settings::Sysctls;
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;

use echoes::Echoes;

mod delivery;
mod echoes;

/// The road between clients and listener.
pub(super) struct Wire {
    clock: Clock,
    idle: Option<(IdleFrames, Option<IdleFrames>)>,
    from_server: Option<Frames>,
    from_clients: Option<Frames>,
    transmit: Transmit,
    carrier: Carrier,
    line: Line,
    outcomes: Outcomes,
    listener: OwnListener<Member>,
    counters: CountersFile,
    end: ListenerEnd,
    /// What the listener has sent since the present segment was delivered.
    answers: Vec<(Peer, Answer)>,
    echoes: Echoes,
    /// The processors on which segments were sent that are on their way into the accept queue.
    entering_on: Vec<usize>,
    arrived: Vec<Carried>,
    capture: Option<Capture>,
    /// What the server's queue is followed by, until somebody takes it; `None` where the server tells itself.
    passed: Option<Vec<(Stamp, Passed)>>,
    /// The clients of a load generator.
    load: Option<LoadClients>,
}

/// What changes who is the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// A connection has entered the accept queue.
    Queued(Peer),
    /// The server closes it: it has been accepted.
    Closed(Peer),
    /// Its client breaks it off; if it waits, it goes on waiting.
    Reset(Peer),
}

/// A segment that is to be delivered.
#[derive(Clone, Copy)]
enum Load<'a> {
    /// Of a packet-level client: its frame is made when it is sent.
    Made(Segment),
    /// A real client's frame.
    Carried(&'a [u8], Option<Segment>),
}

impl Load<'_> {
    const fn segment(&self) -> Option<Segment> {
        match self {
            Self::Made(segment) => Some(*segment),
            Self::Carried(_, segment) => *segment,
        }
    }
}

/// What a wire is made of.
pub(super) struct WirePlan<'a> {
    pub(super) netns: &'a NetnsToken,
    pub(super) clock: Clock,
    pub(super) listener: &'a Arc<Listener>,
    pub(super) sysctls: &'a Sysctls,
    pub(super) line: Line,
    /// Whether anybody sends from the clients' namespace.
    pub(super) real_clients: bool,
    /// Whether those are a load generator's.
    pub(super) load: bool,
    /// Whether it is followed who enters the accept queue and who leaves.
    pub(super) follow: bool,
    pub(super) capture: Option<Capture>,
}

impl Wire {
    /// Opens both ends; nothing is captured before [`Wire::start`].
    pub(super) fn open(plan: WirePlan<'_>) -> Result<Self, LiveError> {
        let WirePlan { netns, clock, listener, sysctls, line, real_clients, load, follow, capture } = plan;
        let address = listener.address();
        let near = &netns.server().wire;
        let clients = netns.clients().filter(|_| real_clients || load).map(|pair| pair.wire.index);
        let open = || -> Result<_, TapError> {
            Ok((IdleFrames::open(near.index)?, clients.map(IdleFrames::open).transpose()?))
        };
        let not_ours = |_| TransmitError::NotOurs { link: near.name.clone() };
        let idle = netns.in_wire(open).map_err(not_ours)??;
        let counters = CountersFile::open().map_err(|source| LiveError::System {
            operation: crate::say!("reading the counters"),
            source: source.into(),
        })?;
        let mut outcomes = Outcomes::default();
        outcomes.set_sysctls(sysctls);
        outcomes.set_deferred(own_socket::defer_accept_s(listener).unwrap_or(0) > 0);
        let specific = !address.ip().is_unspecified();
        Ok(Self {
            clock,
            idle: Some(idle),
            from_server: None,
            from_clients: None,
            transmit: Transmit::open(netns, address)?,
            carrier: Carrier::open(netns, address)?,
            line,
            outcomes,
            listener: OwnListener::group(listener.members()),
            counters,
            end: ListenerEnd { port: address.port(), address: specific.then(|| address.ip()) },
            answers: Vec::new(),
            echoes: Echoes::default(),
            entering_on: Vec::new(),
            arrived: Vec::new(),
            capture,
            passed: follow.then(Vec::new),
            load: load.then(LoadClients::default),
        })
    }

    /// Maps the rings and reads what later outcomes are compared with.
    pub(super) fn start(&mut self) -> Result<(), TapError> {
        if let Some((server, clients)) = self.idle.take() {
            self.from_server = Some(server.start(RING_BYTES)?);
            self.from_clients = clients.map(|clients| clients.start(RING_BYTES)).transpose()?;
        }
        self.rebase();
        Ok(())
    }

    /// What polls readable when there is something to carry.
    pub(super) fn rings(&self) -> impl Iterator<Item = &Frames> {
        self.from_server.iter().chain(&self.from_clients)
    }

    /// The line of the real clients.
    pub(super) const fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Does everything that is due: the clients' timers, frames whose delay is over, and what has arrived at either end.
    pub(super) fn turn(&mut self, actors: &mut Actors, batch: &mut Vec<Stamped>) {
        actors.tick(self.clock.now(), batch);
        self.deliver_made(actors, batch);
        let (now, mut arrived) = (self.clock.now(), std::mem::take(&mut self.arrived));
        self.line.tick(now, batch, &mut arrived);
        self.arrived = arrived;
        self.pass_arrived(actors, batch);
        for _ in 0..ROUNDS {
            let moved = self.drain_clients(actors, batch) + self.drain_server(actors, batch);
            self.deliver_made(actors, batch);
            if moved == 0 {
                return;
            }
        }
    }

    /// When [`Wire::turn`] has something to do although nothing has arrived.
    pub(super) fn next_deadline(&self) -> Option<Stamp> {
        self.line.next_deadline()
    }

    /// Applies a command that concerns the way.
    pub(super) fn command(&mut self, now: Stamp, command: &Command, actors: &mut Actors, batch: &mut Vec<Stamped>) {
        let mut arrived = std::mem::take(&mut self.arrived);
        self.line.command(now, command, batch, &mut arrived);
        self.arrived = arrived;
        self.pass_arrived(actors, batch);
        self.deliver_made(actors, batch);
    }

    /// Lets exactly one frame of a real client arrive.
    pub(super) fn step(
        &mut self,
        now: Stamp,
        actors: &mut Actors,
        batch: &mut Vec<Stamped>,
    ) -> Option<(Peer, StepOutcome)> {
        let mut arrived = std::mem::take(&mut self.arrived);
        let outcome = self.line.step(now, batch, &mut arrived);
        self.arrived = arrived;
        self.pass_arrived(actors, batch);
        outcome
    }

    /// The sysctls of the listener's namespace have changed.
    pub(super) fn set_sysctls(&mut self, sysctls: &Sysctls) {
        self.outcomes.set_sysctls(sysctls);
    }

    /// The listener's limit has changed.
    pub(super) fn limit_changed(&mut self) {
        self.read_queue();
    }

    /// All requests of the listener were listed, by this thread.
    pub(super) fn requests_listed(&mut self, now: Stamp, listed: &[HalfOpen]) {
        let peers: std::collections::HashSet<Peer> = listed.iter().map(|request| request.peer).collect();
        self.outcomes.keep_requests(now, |peer| peers.contains(peer));
    }

    /// How many of the server's frames, and of the clients', did not fit into their rings since the last call. What of the clients' is lost is
    /// lost like on any network: their kernels send it again.
    pub(super) fn dropped(&mut self) -> [u64; 2] {
        [&mut self.from_server, &mut self.from_clients].map(|ring| ring.as_mut().map_or(0, Frames::dropped))
    }

    /// What has changed who is the server's since the last call.
    pub(super) fn take_passed(&mut self) -> Vec<(Stamp, Passed)> {
        self.passed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A segment passes at the listener's end.
    fn follow(&mut self, at: Stamp, segment: &Segment, batch: &mut Vec<Stamped>) {
        if let Some(load) = &mut self.load {
            load.pass(at, segment, &mut self.line, batch);
        }
        let ended = match (segment.toward, segment.kind()) {
            (Toward::Client, Kind::Fin | Kind::Rst) => Passed::Closed(segment.peer),
            (Toward::Listener, Kind::Rst) => Passed::Reset(segment.peer),
            _ => return,
        };
        if let Some(passed) = &mut self.passed {
            passed.push((at, ended));
        }
    }

    /// The capture, if one is written.
    pub(super) const fn capture(&mut self) -> Option<&mut Capture> {
        self.capture.as_mut()
    }

    /// Delivers what the packet-level clients have sent.
    pub(super) fn deliver_made(&mut self, actors: &mut Actors, batch: &mut Vec<Stamped>) {
        while let Some(sends) = actors.take_sends(batch) {
            for segment in sends {
                self.deliver(Load::Made(segment), actors, batch);
            }
        }
    }

    fn pass_arrived(&mut self, actors: &mut Actors, batch: &mut Vec<Stamped>) {
        let mut arrived = std::mem::take(&mut self.arrived);
        for Carried { frame, segment, toward } in arrived.drain(..) {
            match toward {
                Toward::Listener => self.deliver(Load::Carried(&frame, segment), actors, batch),
                Toward::Client => self.carry_back(&frame, segment.as_ref(), batch),
            }
        }
        self.arrived = arrived;
    }

    /// Takes what real clients have sent; how many frames.
    fn drain_clients(&mut self, actors: &mut Actors, batch: &mut Vec<Stamped>) -> usize {
        let Some(mut ring) = self.from_clients.take() else { return 0 };
        let mut moved = 0;
        ring.drain(FRAMES_PER_ROUND, |frame| {
            moved += 1;
            let segment = frames::segment(frame, self.end).filter(|segment| segment.toward == Toward::Listener);
            if let Some(segment) = segment.filter(|segment| segment.kind() == Kind::Syn)
                && !self.line.knows(&segment.peer)
            {
                actors.introduce(&mut self.line, batch);
            }
            if let (Some(load), Some(segment)) = (&mut self.load, &segment) {
                load.leaves(self.clock.now(), segment, &mut self.line, batch);
            }
            if self.line.take(self.clock.now(), (frame, segment), Toward::Listener, batch) == Passage::Now {
                self.deliver(Load::Carried(frame, segment), actors, batch);
            }
        });
        self.from_clients = Some(ring);
        moved
    }

    /// Takes what the server's side has sent; how many frames.
    fn drain_server(&mut self, actors: &mut Actors, batch: &mut Vec<Stamped>) -> usize {
        let Some(mut ring) = self.from_server.take() else { return 0 };
        let mut moved = 0;
        ring.drain(usize::MAX, |frame| {
            moved += 1;
            let at = self.clock.now();
            let segment = frames::segment(frame, self.end).filter(|segment| segment.toward == Toward::Client);
            if let Some(segment) = segment {
                self.outcomes.sent(&segment);
                self.note_answer(&segment);
                batch.push(Stamped { at, event: Event::Segment(segment) });
                let of_load = self.load.as_ref().is_some_and(|load| load.know(&segment.peer));
                self.follow(at, &segment, batch);
                if let Some(capture) = &mut self.capture {
                    capture.passed(at, frame);
                }
                if !of_load && actors.receive(at, &segment) {
                    return;
                }
            } else if let Some(number) = carry::echo(frame) {
                self.echoes.came(number);
                return;
            }
            if (actors.are_real() || self.load.is_some())
                && self.line.take(at, (frame, segment), Toward::Client, batch) == Passage::Now
            {
                self.carry_back(frame, segment.as_ref(), batch);
            }
        });
        self.from_server = Some(ring);
        moved
    }

    fn note_answer(&mut self, segment: &Segment) {
        let kind = segment.kind();
        if matches!(kind, Kind::SynAck | Kind::Rst | Kind::Ack) {
            self.answers.push((segment.peer, Answer { kind, seq: segment.seq, window_scale: segment.window_scale }));
        }
    }

    /// Hands a frame over to the clients' kernel.
    fn carry_back(&mut self, frame: &[u8], segment: Option<&Segment>, batch: &mut Vec<Stamped>) {
        if let (Some(load), Some(segment)) = (&mut self.load, segment) {
            load.arrive(self.clock.now(), segment, batch);
        }
        if let Err(error) = self.carrier.carry(frame, Toward::Client) {
            tracing::warn!(%error, "a client's frame could not be carried");
        }
    }
}

/// Size of each ring in bytes: 8,192 frames. The thread may have to wait for its processor.
const RING_BYTES: u32 = 16 << 20;

/// The most frames of real clients in a round: each may have to be waited for.
const FRAMES_PER_ROUND: usize = 64;

/// The most rounds of answers exchanged within one turn.
const ROUNDS: usize = 8;

/// The listener's address as its clients reach it.
pub(super) fn is_reachable(address: SocketAddr) -> bool {
    crate::lab::namespace::reachable_by_wire(address.ip())
}
