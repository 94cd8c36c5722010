//! [`apply`]: dispatches every fact.

use super::{
    Losses, SegmentTally, World, changes, clients, delivered, observations, readings, server_resets, side,
    silent_clients, watched, wire,
};
use crate::fold::diagnosis::Finding;
use crate::fold::what_if::TrafficLog;
use crate::fold::world::log_writing;
use crate::fold::world::note::{Note, NoteSubject};
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::event::{Began, Environment, Event, Listening, Loss};
use crate::model::lesson::LessonFact;
use crate::model::peer::Peer;
use crate::model::program::{ProgramRole, ProgramState};
use crate::model::settings::{Knobs, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::sentence::Sentence;

/// Applies one fact; the rules are not run.
pub(in crate::fold) fn apply(world: &mut World, at: Stamp, event: &Event) {
    match event {
        Event::Began(_) => {
            let about_listener = |finding: &Finding| finding.subject.is_some();
            let mut found = std::mem::take(&mut world.found);
            let mut findings = std::mem::take(&mut world.findings);
            found.retain(|_, finding| about_listener(finding));
            findings.retain(about_listener);
            let (listeners, lesson) = (std::mem::take(&mut world.listeners), world.lesson.take());
            *world = World { now: at, opened: at, listeners, lesson, found, findings, ..World::default() };
        }
        Event::Watching(_) | Event::Lesson(LessonFact::Opened { .. }) => {
            *world = World { now: at, opened: at, ..World::default() };
        }
        _ => {}
    }
    let at = at.max(world.now);
    world.now = at;
    observations::resolve_silence(world, at);
    match event {
        Event::Began(began) => begin(world, began),
        Event::Listening(listening) => listen(world, at, *listening),
        Event::Sysctl { name, value } => set_sysctl(world, at, *name, *value),
        Event::Knobs(knobs) => turn(world, at, knobs),
        Event::Tempo(tempo) => set_tempo(world, at, *tempo),
        Event::Stepped { peer, outcome } => stepped(world, *peer, *outcome),
        Event::Segment(segment) if world.open.delivers => wire::passed(world, at, segment),
        Event::Segment(segment) => side::seen(world, at, segment),
        Event::Delivered(delivery) => delivered::delivered(world, at, delivery),
        Event::Client { id, peer, event } => clients::client_event(world, at, *id, *peer, *event),
        Event::Served { peer, event } => clients::serve(world, at, *peer, *event),
        Event::AcceptFailed { errno } => {
            *world.accept_errors.entry(*errno).or_default() += 1;
        }
        Event::Program(state) => keep_program(world, state),
        Event::Queue(reading) => readings::read_queue(world, at, reading),
        Event::Listed(listed) => readings::read_lists(world, at, listed),
        Event::Counters(counters) => readings::read_counters(world, counters),
        Event::ClientCounters(counters) => readings::read_client_counters(world, counters),
        Event::Loss(loss) => world.losses.add(*loss),
        Event::Cost { source, nanos } => world.costs.entry(*source).or_default().add(*nanos),
        Event::Refused { message } => world.note(Note::Refused(message.clone())),
        Event::Watching(watching) => world.sysctls = watching.sysctls.clone(),
        Event::Experiment(fact) => world.trials.apply(at, fact),
        Event::Lesson(fact) => world.lesson.get_or_insert_default().apply(at, fact),
        Event::Snapshot(_)
        | Event::Owned { .. }
        | Event::Holders { .. }
        | Event::Occupants { .. }
        | Event::SynsSeen(_)
        | Event::SynsSampled { .. }
        | Event::Options { .. }
        | Event::FloodLogged { .. }
        | Event::TapReach(_)
        | Event::Chosen(_)
        | Event::Tick => {}
        Event::Ended => end(world, at),
    }
    keep_up(world, at, event);
}

/// What follows from every fact.
fn keep_up(world: &mut World, at: Stamp, event: &Event) {
    world.listeners.apply(at, event);
    world.history.slot_at(at);
    world.roster.sweep(at);
    server_resets::settle(world, at);
    silent_clients::settle(world, at);
    watched::forget_idle(world, at);
    log_writing::update_switch(world, at);
    world.roster.settle();
}

fn begin(world: &mut World, began: &Began) {
    world.syn_rule = began.syn_rule.unwrap_or_default();
    world.sysctls = began.sysctls.clone();
    world.open.delivers = began.environment != Environment::Host && began.tap && !began.watched;
    world.segments = began.tap.then(SegmentTally::default);
    world.open.foreign.active = began.watched;
    world.open.foreign.blind = began.watched && !began.tap;
    world.began = Some(began.clone());
}

fn listen(world: &mut World, at: Stamp, listening: Listening) {
    let first = world.listening.replace(listening).is_none();
    if listening.limit.is_some() {
        world.reading.limit = listening.limit;
    }
    world.set_capacities(at);
    if first && world.is_watched() {
        // That call was not observed: only its limit is known.
        return;
    }
    if world.is_watched() {
        // What another limit has done says nothing of this one.
        world.traffic = TrafficLog::default();
    }
    mark(world, at);
    world.note(Note::Listened { backlog: listening.backlog, limit: listening.limit });
}

fn keep_program(world: &mut World, state: &ProgramState) {
    let place = match state.role {
        ProgramRole::Server => &mut world.server_program,
        ProgramRole::Load => &mut world.load_program,
    };
    *place = Some(Box::new(state.clone()));
}

fn set_sysctl(world: &mut World, at: Stamp, name: Sysctl, value: i64) {
    world.sysctls.set(name, value);
    mark(world, at);
    world.note(Note::Changed(Sentence::new(move || format!("{} = {value}", name.name()))));
}

fn turn(world: &mut World, at: Stamp, knobs: &Knobs) {
    if let Some(before) = world.knobs.replace(knobs.clone()) {
        for change in changes::between(&before, knobs) {
            world.note(Note::Changed(change));
        }
        mark(world, at);
    }
}

fn set_tempo(world: &mut World, at: Stamp, tempo: ClientClock) {
    let before = std::mem::replace(&mut world.tempo, tempo);
    if before.held != tempo.held {
        let held = || say!("step mode: client time is paused").to_owned();
        let runs = || say!("client time runs again").to_owned();
        world.note(Note::Changed(if tempo.held { Sentence::new(held) } else { Sentence::new(runs) }));
        mark(world, at);
    }
    if before.pace.to_bits() != tempo.pace.to_bits() {
        let what = move || say!("the clients' time runs at {pace}×", pace = tempo.pace);
        world.note(Note::Changed(Sentence::new(what)));
    }
}

fn stepped(world: &mut World, peer: Peer, outcome: StepOutcome) {
    let id = world.roster.connection(&peer).and_then(|connection| connection.id);
    world.note(Note::Stepped { who: NoteSubject { id, peer }, outcome });
}

fn mark(world: &mut World, at: Stamp) {
    world.history.slot_at(at).mark = true;
}

fn end(world: &mut World, at: Stamp) {
    if !world.open.delivers {
        observations::end(world);
    }
    world.set_capacities(at);
    world.ended = true;
}

impl Losses {
    const fn add(&mut self, loss: Loss) {
        match loss {
            Loss::LateTicks(count) => self.late_ticks += count,
            Loss::TapDropped(count) => self.tap_dropped += count,
            Loss::WireDropped(count) => self.wire_dropped += count,
            Loss::DetailSkipped(count) => self.detail_skipped += count,
            Loss::ArrivalsSkipped(count) => self.arrivals_skipped += count,
            Loss::StoodStillUs(micros) => self.stood_still_us += micros,
            Loss::Saturated => self.saturated = true,
        }
    }
}
