//! One JSON object per line: each event as it happened, and the summary last.
//!
//! `{"t_s":1.234567,"event":"segment",...}`: seconds since the listener was ready with nine digits at most, the kind in snake
//! case, the event's own fields next to them. Times are seconds (`..._s`), spans milliseconds (`..._ms`). The lines stand in the
//! order in which qviz learned the facts: a segment has the kernel's own timestamp, which can lie some microseconds before that
//! of the line above it. A tick, which says only that time has passed, has no line.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::delivery::Delivery;
use crate::model::event::{Began, ClientEvent, Event, Listening, Loss, ServerEvent, Stamped};
use crate::model::message::Message;
use crate::model::program::ProgramState;
use crate::model::sample::{HalfOpen, Listed, Waiting};
use crate::model::segment::Segment;
use crate::model::settings::{AcceptRate, Arrivals, Knobs};
use crate::model::stamp::Stamp;
use crate::text::{self, errno, sanitize};

mod lesson;
mod watch;

/// Writes the event's line; a tick has none.
///
/// # Errors
/// The writer's own.
pub fn write_event(out: &mut dyn Write, stamped: &Stamped) -> io::Result<()> {
    if matches!(stamped.event, Event::Tick) { Ok(()) } else { write(out, &Line(stamped)) }
}

/// Writes one object and a line feed.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
    text::json::write(&mut *out, object)?;
    out.write_all(b"\n")
}

/// One event as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(pub &'a Stamped);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("t_s", &seconds(self.0.at))?;
        map.serialize_entry("event", kind(&self.0.event))?;
        match &self.0.event {
            Event::Began(began) => began_fields(&mut map, began)?,
            Event::Listening(Listening { backlog, somaxconn, limit }) => {
                map.serialize_entry("backlog", backlog)?;
                map.serialize_entry("somaxconn", somaxconn)?;
                map.serialize_entry("limit", limit)?;
            }
            Event::Sysctl { name, value } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("value", value)?;
            }
            Event::Knobs(knobs) => knob_fields(&mut map, knobs)?,
            Event::Tempo(tempo) => tempo_fields(&mut map, *tempo)?,
            Event::Stepped { peer, outcome } => {
                map.serialize_entry("peer", peer)?;
                step_outcome_fields(&mut map, *outcome)?;
            }
            Event::Segment(segment) => segment_fields(&mut map, segment)?,
            Event::Delivered(delivery) => delivery_fields(&mut map, delivery)?,
            Event::Client { id, peer, event } => {
                map.serialize_entry("id", id)?;
                map.serialize_entry("peer", peer)?;
                client_event_fields(&mut map, *event)?;
            }
            Event::Served { peer, event } => {
                map.serialize_entry("peer", peer)?;
                server_event_fields(&mut map, *event)?;
            }
            Event::AcceptFailed { errno } => map.serialize_entry("errno", &errno::name(*errno))?,
            Event::Program(state) => program_fields(&mut map, state)?,
            Event::Queue(reading) => {
                map.serialize_entry("depth", &reading.depth)?;
                map.serialize_entry("limit", &reading.limit)?;
                map.serialize_entry("drops", &reading.drops)?;
            }
            Event::Listed(listed) => listed_fields(&mut map, listed)?,
            Event::Counters(counters) | Event::ClientCounters(counters) => map.serialize_entry("counters", counters)?,
            Event::Loss(loss) => loss_fields(&mut map, *loss)?,
            Event::Cost { source, nanos } => {
                map.serialize_entry("eye", source)?;
                map.serialize_entry("nanos", nanos)?;
            }
            Event::Refused { message } => map.serialize_entry("message", &message.rendered())?,
            Event::Experiment(fact) => lesson::trial_fields(&mut map, fact)?,
            Event::Lesson(fact) => lesson::lesson_fields(&mut map, fact)?,
            Event::Tick | Event::Ended => {}
            of_a_watch => watch::event_fields(&mut map, of_a_watch)?,
        }
        map.end()
    }
}

fn program_fields<M: SerializeMap>(map: &mut M, state: &ProgramState) -> Result<(), M::Error> {
    map.serialize_entry("role", &state.role)?;
    map.serialize_entry("program", &Program::of(state))
}

/// A program as the lines show it.
#[derive(serde::Serialize)]
struct Program<'a> {
    command: Vec<String>,
    pid: Option<u32>,
    listener: Option<String>,
    exit: Option<i32>,
    output: &'a [String],
}

impl<'a> Program<'a> {
    fn of(state: &'a ProgramState) -> Self {
        let ProgramState { pid, exit, output, .. } = state;
        let command = state.command.iter().map(|word| sanitize::line(word)).collect();
        let listener = state.listener.map(|address| address.to_string());
        Self { command, pid: *pid, listener, exit: *exit, output }
    }
}

const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Began(_) => "began",
        Event::Listening(_) => "listening",
        Event::Sysctl { .. } => "sysctl",
        Event::Knobs(_) => "knobs",
        Event::Tempo(_) => "tempo",
        Event::Stepped { .. } => "stepped",
        // A delivered segment is a segment with more said of it.
        Event::Segment(_) | Event::Delivered(_) => "segment",
        Event::Client { .. } => "client",
        Event::Served { .. } => "served",
        Event::AcceptFailed { .. } => "accept_failed",
        Event::Program(_) => "program",
        Event::Queue(_) => "queue",
        Event::Listed(_) => "listed",
        Event::Counters(_) => "counters",
        Event::ClientCounters(_) => "client_counters",
        Event::Loss(_) => "loss",
        Event::Cost { .. } => "cost",
        Event::Refused { .. } => "refused",
        Event::Watching(_) => "watching",
        Event::Snapshot(_) => "roll",
        Event::Owned { .. } => "owned",
        Event::Holders { .. } => "holders",
        Event::Occupants { .. } => "crowded",
        Event::SynsSeen(_) => "knocked",
        Event::Options { .. } => "options",
        Event::FloodLogged { .. } => "flood_logged",
        Event::SynsSampled { .. } => "syns_sampled",
        Event::TapReach(_) => "tap_reach",
        Event::Chosen(_) => "chosen",
        Event::Experiment(_) => "trial",
        Event::Lesson(_) => "lesson",
        Event::Tick => "tick",
        Event::Ended => "ended",
    }
}

fn began_fields<M: SerializeMap>(map: &mut M, began: &Began) -> Result<(), M::Error> {
    map.serialize_entry("schema", super::summary::VERSION)?;
    map.serialize_entry("kernel", &began.kernel)?;
    map.serialize_entry("rung", &began.environment)?;
    map.serialize_entry("fallback", &began.fallback.as_ref().map(Message::rendered))?;
    map.serialize_entry("pid", &began.pid)?;
    map.serialize_entry("seed", &began.seed)?;
    map.serialize_entry("client", &began.clients)?;
    map.serialize_entry("address", &began.address)?;
    map.serialize_entry("tap", &began.tap)?;
    map.serialize_entry("private_counters", &began.private_counters)?;
    map.serialize_entry("watched", &began.watched)?;
    map.serialize_entry("host_sysctls", &began.host)?;
    map.serialize_entry("sysctls", &began.sysctls)
}

fn tempo_fields<M: SerializeMap>(map: &mut M, tempo: ClientClock) -> Result<(), M::Error> {
    map.serialize_entry("clients_s", &seconds(tempo.clients))?;
    map.serialize_entry("pace", &tempo.pace)?;
    map.serialize_entry("held", &tempo.held)
}

fn knob_fields<M: SerializeMap>(map: &mut M, knobs: &Knobs) -> Result<(), M::Error> {
    map.serialize_entry("backlog", &knobs.backlog)?;
    map.serialize_entry("rate_per_s", &knobs.rate)?;
    match knobs.arrivals {
        Arrivals::Steady => map.serialize_entry("arrivals", "steady")?,
        Arrivals::Poisson => map.serialize_entry("arrivals", "poisson")?,
        Arrivals::Burst { size, period } => crowd_fields(map, "burst", size, period.as_secs_f64())?,
        Arrivals::Wave { size, period } => crowd_fields(map, "wave", size, period.as_secs_f64())?,
    }
    match knobs.accept_rate {
        AcceptRate::Paused => map.serialize_entry("accept_rate", &0)?,
        AcceptRate::PerSecond(rate) => map.serialize_entry("accept_rate", &rate)?,
        AcceptRate::Max => map.serialize_entry("accept_rate", "max")?,
    }
    map.serialize_entry("half_open", &knobs.half_open)?;
    map.serialize_entry("loss", &knobs.loss)?;
    map.serialize_entry("rtt_ms", &(knobs.rtt.as_secs_f64() * 1e3))?;
    map.serialize_entry("jitter_ms", &(knobs.jitter.as_secs_f64() * 1e3))?;
    map.serialize_entry("workers", &knobs.workers)?;
    map.serialize_entry("service_ms", &(knobs.service.as_secs_f64() * 1e3))
}

fn crowd_fields<M: SerializeMap>(map: &mut M, name: &str, size: u32, period_s: f64) -> Result<(), M::Error> {
    map.serialize_entry("arrivals", name)?;
    map.serialize_entry("size", &size)?;
    map.serialize_entry("period_s", &period_s)
}

fn segment_fields<M: SerializeMap>(map: &mut M, segment: &Segment) -> Result<(), M::Error> {
    map.serialize_entry("peer", &segment.peer)?;
    map.serialize_entry("toward", &segment.toward)?;
    map.serialize_entry("kind", &segment.kind())?;
    map.serialize_entry("flags", &segment.flags)?;
    map.serialize_entry("seq", &segment.seq)?;
    map.serialize_entry("ack", &segment.ack)?;
    map.serialize_entry("payload", &segment.payload)?;
    map.serialize_entry("window_scale", &segment.window_scale)?;
    map.serialize_entry("timestamps", &segment.timestamps)
}

fn delivery_fields<M: SerializeMap>(map: &mut M, delivery: &Delivery) -> Result<(), M::Error> {
    segment_fields(map, &delivery.segment)?;
    map.serialize_entry("outcome", delivery.outcome.name())?;
    map.serialize_entry("cause", &delivery.outcome.cause())?;
    map.serialize_entry("proof", &delivery.proof)?;
    map.serialize_entry("depth_before", &delivery.depth_before)?;
    map.serialize_entry("depth_after", &delivery.depth_after)?;
    map.serialize_entry("sk_drops", &delivery.drops)
}

fn client_event_fields<M: SerializeMap>(map: &mut M, event: ClientEvent) -> Result<(), M::Error> {
    let word = match event {
        ClientEvent::Started { .. } => "started",
        ClientEvent::Departed { .. } => "departed",
        ClientEvent::Lost { .. } => "lost",
        ClientEvent::Held { .. } => "held",
        ClientEvent::WillRetry { .. } => "will_retry",
        ClientEvent::Connected => "connected",
        ClientEvent::Finished => "finished",
        ClientEvent::Refused => "refused",
        ClientEvent::Reset => "reset",
        ClientEvent::TimedOut => "timed_out",
        ClientEvent::Vanished => "vanished",
        ClientEvent::Failed { .. } => "failed",
    };
    map.serialize_entry("life", word)?;
    match event {
        ClientEvent::Started { half_open } => map.serialize_entry("half_open", &half_open),
        ClientEvent::Departed { kind, attempt, arrives } => {
            map.serialize_entry("kind", &kind)?;
            map.serialize_entry("attempt", &attempt)?;
            map.serialize_entry("arrives_s", &seconds(arrives))
        }
        ClientEvent::Lost { kind, outbound } | ClientEvent::Held { kind, outbound } => {
            map.serialize_entry("kind", &kind)?;
            map.serialize_entry("outbound", &outbound)
        }
        ClientEvent::WillRetry { at, gives_up } => {
            map.serialize_entry("at_s", &seconds(at))?;
            map.serialize_entry("gives_up", &gives_up)
        }
        ClientEvent::Failed { errno } => map.serialize_entry("errno", &errno::name(errno)),
        ClientEvent::Connected
        | ClientEvent::Finished
        | ClientEvent::Refused
        | ClientEvent::Reset
        | ClientEvent::TimedOut
        | ClientEvent::Vanished => Ok(()),
    }
}

fn step_outcome_fields<M: SerializeMap>(map: &mut M, outcome: StepOutcome) -> Result<(), M::Error> {
    let (word, kind) = match outcome {
        StepOutcome::Left(kind) => ("left", Some(kind)),
        StepOutcome::Reached(kind) => ("reached", Some(kind)),
        StepOutcome::CameBack(kind) => ("came_back", Some(kind)),
        StepOutcome::GaveUp => ("gave_up", None),
        StepOutcome::Accepted => ("accepted", None),
        StepOutcome::Served => ("served", None),
    };
    map.serialize_entry("thing", word)?;
    map.serialize_entry("kind", &kind)
}

fn server_event_fields<M: SerializeMap>(map: &mut M, event: ServerEvent) -> Result<(), M::Error> {
    match event {
        ServerEvent::Accepted { waited_ms, cookie } => {
            map.serialize_entry("deed", "accepted")?;
            map.serialize_entry("waited_ms", &waited_ms)?;
            map.serialize_entry("cookie", &cookie)
        }
        ServerEvent::Closed => map.serialize_entry("deed", "closed"),
        ServerEvent::FoundReset => map.serialize_entry("deed", "found_reset"),
    }
}

/// The model's own names for the members of both lists.
fn listed_fields<M: SerializeMap>(map: &mut M, listed: &Listed) -> Result<(), M::Error> {
    let half_open: Option<&[HalfOpen]> = listed.half_open.as_deref();
    let waiting: Option<&[Waiting]> = listed.waiting.as_deref();
    map.serialize_entry("half_open", &half_open)?;
    map.serialize_entry("waiting", &waiting)
}

fn loss_fields<M: SerializeMap>(map: &mut M, loss: Loss) -> Result<(), M::Error> {
    let (what, count) = match loss {
        Loss::LateTicks(count) => ("late_ticks", Some(count)),
        Loss::TapDropped(count) => ("tap_dropped", Some(count)),
        Loss::WireDropped(count) => ("wire_dropped", Some(count)),
        Loss::DetailSkipped(count) => ("detail_skipped", Some(count)),
        Loss::ArrivalsSkipped(count) => ("arrivals_skipped", Some(count)),
        Loss::StoodStillUs(micros) => ("stood_still_us", Some(micros)),
        Loss::Saturated => ("saturated", None),
    };
    map.serialize_entry("what", what)?;
    map.serialize_entry("count", &count)
}

/// Nanoseconds are kept: two segments may differ by less than a microsecond.
fn seconds(at: Stamp) -> f64 {
    at.as_secs_f64()
}
