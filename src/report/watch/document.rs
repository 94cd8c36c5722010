//! The document of a watch. Unknown is null, never NaN and never a guess.

use std::collections::BTreeMap;

use serde::Serialize;

use super::in_order;
use crate::fold::finding::{Action, Severity};
use crate::fold::listeners::{self, ListenerState};
use crate::fold::programs::{KnownProgram, known_default};
use crate::fold::world::World;
use crate::model::counters::Counters;
use crate::model::peer::Peer;
use crate::model::watch::Rights;
use crate::report::summary::{OwnLosses, Quantiles, VERSION, finite_only, rounded, seconds};
use crate::text::sanitize;

mod diagnosis;
mod drops;
mod gate;
mod process;
mod rates;
mod reach;
mod what_if;

use drops::Drops;
pub use gate::CommandEnd;
use gate::VerdictOfConditions;
use process::{DrainRate, OwnerProcess, SocketOptions};
use rates::Rates;
use reach::Reach;
use what_if::WhatIf;

/// A watch.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// Always [`VERSION`].
    pub schema: &'static str,
    /// Always `watch`.
    pub kind: &'static str,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// How long it lasted, in seconds.
    pub duration_s: f64,
    /// The network namespace as named by the user, where it was not qviz's own.
    pub netns: Option<String>,
    /// Which listeners were asked for; null: all.
    pub target: Option<String>,
    /// What was visible.
    pub rights: Rights,
    /// `net.core.somaxconn` at the end.
    pub somaxconn: Option<u32>,
    /// The listeners that were asked for, fullest first, gone ones last.
    pub listeners: Vec<Listener>,
    /// The number of gone listeners that are no longer kept.
    pub forgotten: u64,
    /// Changes of listeners as a whole, oldest first; the latest of them.
    pub changes: Vec<Remark>,
    /// Which packets the tap takes at the end; null without one.
    pub tap_reach: Option<Reach>,
    /// The change of the network namespace's counters since the watch began.
    pub counters: Counters,
    /// What qviz missed or deferred.
    pub losses: OwnLosses,
    /// Every finding in its last state, the most severe first.
    pub findings: Vec<Diagnosis>,
    /// What came of `--fail-on`; absent without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictOfConditions>,
    /// The command that ran meanwhile; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<CommandEnd>,
}

/// One listener.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// The socket's cookie: the same number in the lines of events.
    pub id: u64,
    /// `tcp4`, `tcp6` or `unix`.
    pub family: &'static str,
    /// Address and port, or a path.
    pub address: String,
    /// The owning process; null if not visible.
    pub pid: Option<u32>,
    /// Its name.
    pub command: Option<String>,
    /// Other processes that have it open too.
    pub others: Option<u32>,
    /// Its container or unit.
    pub place: Option<String>,
    /// The user that made it.
    pub uid: Option<u32>,
    /// The group's name, its address, where several sockets share it (SO_REUSEPORT).
    pub reuseport_group: Option<String>,
    /// When it was found gone; null: it is present.
    pub gone_s: Option<f64>,
    /// Its accept queue.
    pub accept_queue: AcceptQueue,
    /// Its SYN queue; shared by all sockets of one address.
    pub syn_queue: SynQueue,
    /// What it dropped.
    pub drops: Drops,
    /// Its rates.
    pub rates: Rates,
    /// How fast its queue drains; null where nothing was seen to leave it.
    pub drain: Option<DrainRate>,
    /// The processes that hold it; empty where they were not looked at.
    pub owners: Vec<OwnerProcess>,
    /// Its connections that were accepted and are open; null where they were not looked at.
    pub served: Option<u32>,
    /// Its options, as far as they may be read.
    pub options: SocketOptions,
    /// What other limits would have done with the clients of the last minute; null for listeners that were not chosen, and where too little was seen.
    pub what_if: Option<Vec<WhatIf>>,
    /// The connections waiting for `accept()`; null for listeners that were not chosen.
    pub waiting: Option<Vec<Waiting>>,
    /// The half-open requests; null for listeners that were not chosen.
    pub half_open: Option<Vec<HalfOpen>>,
}

/// An accept queue.
#[derive(Clone, Debug, Serialize)]
pub struct AcceptQueue {
    /// Entries now.
    pub depth: Option<u32>,
    /// Its limit.
    pub limit: Option<u32>,
    /// How many it holds: one more.
    pub capacity: Option<u32>,
    /// The greatest depth since the watch began.
    pub max: u32,
    /// Seconds during which it held its capacity.
    pub full_s: f64,
    /// The share of the last three seconds in which it held its capacity, 0 to 1; null while it is watched for less than one.
    pub full_share: Option<f64>,
    /// Milliseconds that the oldest has waited; shared by the sockets of one address.
    pub oldest_wait_ms: Option<u32>,
    /// How long connections waited in it, of those that came and were accepted while it was chosen (or watched, for unix sockets); null: none did.
    pub wait_ms: Option<Quantiles>,
    /// What the limit matches: `net.core.somaxconn`, or a known default.
    pub limit_looks_like: Option<String>,
}

/// A SYN queue.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SynQueue {
    /// Half-open requests now.
    pub depth: Option<u32>,
    /// The most since the watch began.
    pub max: Option<u32>,
}

/// One connection that waits for `accept()`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Waiting {
    /// The client; null where the kernel no longer lists it.
    pub peer: Option<Peer>,
    /// Milliseconds since it entered the queue.
    pub age_ms: Option<u32>,
    /// Bytes that it has sent already.
    pub bytes: Option<u32>,
    /// The state of its client.
    pub state: WaitingState,
}

/// The state of a waiting client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingState {
    /// It is connected.
    Established,
    /// It has closed its side.
    Closed,
    /// It has reset the connection: only the queue entry is left.
    Reset,
}

/// One half-open request.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HalfOpen {
    /// The client.
    pub peer: Peer,
    /// SYN-ACKs retransmitted so far.
    pub retransmits: u8,
    /// Milliseconds until the next one, or the request's expiry.
    pub next_ms: u32,
}

/// A change of a listener as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct Remark {
    /// When.
    pub at_s: f64,
    /// Its address.
    pub listener: String,
    /// The change, as text.
    pub what: String,
}

/// One diagnosis.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The rule's fixed name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it held.
    pub since_s: f64,
    /// When it held last; null: it holds now.
    pub until_s: Option<f64>,
    /// True when it holds now.
    pub in_force: bool,
    /// The address of its listener.
    pub listener: Option<String>,
    /// The evidence.
    #[serde(serialize_with = "finite_only")]
    pub evidence: BTreeMap<String, f64>,
    /// One sentence: what, why, what to do.
    pub sentence: String,
    /// What to do, as lines to paste, the surest first.
    pub actions: Vec<NextAction>,
}

/// A line to paste.
#[derive(Clone, Debug, Serialize)]
pub struct NextAction {
    /// What it does, or where it belongs.
    pub what: String,
    /// A command, or a program's own line.
    pub command: String,
    /// True when it takes effect on what runs; false: only after a restart.
    pub live: bool,
}

impl NextAction {
    fn of(action: &Action) -> Self {
        let what = sanitize::line(&action.what.to_string());
        Self { what, command: sanitize::line(&action.command), live: action.live }
    }
}

impl Document {
    /// The watch at this moment.
    pub fn of(world: &World) -> Self {
        let listeners = &world.listeners;
        let watching = listeners.watching.as_ref();
        Self {
            schema: VERSION,
            kind: "watch",
            kernel: watching.map(|watching| sanitize::line(&watching.kernel)),
            duration_s: rounded(listeners.now.since(listeners.since).as_secs_f64()),
            netns: watching.and_then(|watching| watching.netns.as_deref().map(sanitize::line)),
            target: watching
                .and_then(|watching| watching.target.as_ref().map(|target| sanitize::line(&target.to_string()))),
            rights: watching.map(|watching| watching.rights.rendered()).unwrap_or_default(),
            somaxconn: listeners.somaxconn_now(),
            listeners: in_order(world).into_iter().map(|listener| Listener::of(world, listener)).collect(),
            forgotten: listeners.forgotten,
            changes: listeners.changes.iter().map(Remark::of).collect(),
            counters: listeners.counters(),
            tap_reach: Reach::of(world),
            losses: OwnLosses::of(world.losses),
            findings: Diagnosis::all(world),
            verdict: None,
            load: None,
        }
    }
}

impl Listener {
    fn of(world: &World, listener: &ListenerState) -> Self {
        let reading = &listener.reading;
        let owner = listener.owner.as_ref();
        let chosen = world.listeners.chosen == Some(listener.id()) && listener.gone.is_none();
        let group = world.listeners.group_of(listener);
        Self {
            id: listener.id().0,
            family: reading.address.family(),
            address: sanitize::line(&reading.address.to_string()),
            pid: owner.map(|owner| owner.pid),
            command: owner.map(|owner| sanitize::line(&owner.command)),
            others: owner.map(|owner| owner.others),
            place: owner.and_then(|owner| owner.place.as_deref().map(sanitize::line)),
            uid: reading.uid,
            reuseport_group: group.is_shared().then(|| reading.address.to_string()),
            gone_s: listener.gone.map(seconds),
            accept_queue: AcceptQueue::of(world, listener),
            syn_queue: SynQueue::of(listener),
            drops: Drops::of(world, listener),
            rates: Rates::of(world, listener),
            drain: DrainRate::of(world, listener),
            owners: listener.holders.iter().map(OwnerProcess::of).collect(),
            served: listener.served,
            options: SocketOptions::of(listener, group.is_shared()),
            what_if: what_if(world, listener).filter(|_| chosen),
            waiting: waiting(world, listener).filter(|_| chosen),
            half_open: half_open(world).filter(|_| chosen),
        }
    }
}

impl AcceptQueue {
    fn of(world: &World, listener: &ListenerState) -> Self {
        let queue = listener.reading.queue;
        Self {
            depth: queue.depth,
            limit: queue.limit,
            capacity: listener.capacity(),
            max: listener.accept_queue.max(),
            full_s: rounded(listener.full(world.listeners.now).as_secs_f64()),
            full_share: listener.full_share(world.listeners.now).map(rounded),
            oldest_wait_ms: listener.occupants.oldest_wait_ms,
            wait_ms: world.waits_of(listener).map(Quantiles::of),
            limit_looks_like: looks_like(world, listener),
        }
    }
}

fn looks_like(world: &World, listener: &ListenerState) -> Option<String> {
    let limit = listener.reading.queue.limit?;
    if world.listeners.somaxconn_now() == Some(limit) {
        return Some("net.core.somaxconn".to_owned());
    }
    let command = listener.owner.as_ref().map(|owner| owner.command.as_str());
    known_default(limit, command).map(KnownProgram::whose)
}

impl SynQueue {
    fn of(listener: &ListenerState) -> Self {
        let depth = listener.occupants.half_open;
        let seen = depth.is_some() || listener.half_open_max > 0;
        Self { depth, max: seen.then_some(listener.half_open_max) }
    }
}

/// Other limits, each with what it would have done.
fn what_if(world: &World, listener: &ListenerState) -> Option<Vec<WhatIf>> {
    let mut all = world.what_if(listener);
    for tried in all.iter_mut().skip(1) {
        *tried = world.traffic.in_range(*tried);
    }
    (!all.is_empty()).then(|| all.into_iter().map(WhatIf::of).collect())
}

/// The waiting connections, oldest first; after them the entries whose clients have reset them.
fn waiting(world: &World, listener: &ListenerState) -> Option<Vec<Waiting>> {
    let mut listed = world.listed.waiting.clone()?;
    listed.sort_by_key(|waiting| std::cmp::Reverse(waiting.age_ms));
    let state = |closed: bool| if closed { WaitingState::Closed } else { WaitingState::Established };
    let visible = listed.iter().map(|waiting| Waiting {
        peer: Some(waiting.peer),
        age_ms: waiting.age_ms,
        bytes: Some(waiting.bytes),
        state: state(waiting.closed),
    });
    let reset = world.places_of_the_reset().filter(|_| listener.reading.address.port().is_some()).unwrap_or(0);
    let place = Waiting { peer: None, age_ms: None, bytes: None, state: WaitingState::Reset };
    Some(visible.chain(std::iter::repeat_n(place, reset as usize)).collect())
}

fn half_open(world: &World) -> Option<Vec<HalfOpen>> {
    let listed = world.listed.half_open.as_ref()?;
    let shown = |request: &crate::model::sample::HalfOpen| HalfOpen {
        peer: request.peer,
        retransmits: request.retransmits,
        next_ms: request.next_ms,
    };
    Some(listed.iter().map(shown).collect())
}

impl Remark {
    fn of(remark: &listeners::ListenerChange) -> Self {
        Self {
            at_s: seconds(remark.at),
            listener: sanitize::line(&remark.address.to_string()),
            what: remark.change.to_string(),
        }
    }
}
