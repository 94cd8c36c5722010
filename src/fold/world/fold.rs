//! [`World::take`]: every fact finds its place here.

use super::{Cost, Losses, SegmentTally, World};
use crate::fold::diagnosis::Finding;
use crate::fold::world::note::{Note, Who};
use crate::model::event::{Began, Event, Listening, Loss};
use crate::model::lesson::LessonFact;
use crate::model::peer::Peer;
use crate::model::queue::SynRule;
use crate::model::settings::{Knobs, Sysctl};
use crate::model::stamp::Stamp;
use crate::model::tempo::{Tempo, Thing};
use crate::say;
use crate::text::sentence::Sentence;

/// How many notes are kept.
const NOTES: usize = 256;

impl World {
    /// Takes one fact; what the rules find is not looked for.
    pub(in crate::fold) fn take(&mut self, at: Stamp, event: &Event) {
        match event {
            Event::Began(_) => {
                let told = |finding: &Finding| finding.subject.is_some();
                let mut found = std::mem::take(&mut self.found);
                let mut findings = std::mem::take(&mut self.findings);
                found.retain(|_, finding| told(finding));
                findings.retain(told);
                let (survey, lesson) = (std::mem::take(&mut self.survey), self.lesson.take());
                *self = Self { now: at, opened: at, survey, lesson, found, findings, ..Self::default() };
            }
            Event::Watching(_) | Event::Lesson(LessonFact::Opened { .. }) => {
                *self = Self { now: at, opened: at, ..Self::default() };
            }
            _ => {}
        }
        let at = at.max(self.now);
        self.now = at;
        self.resolve_silence(at);
        match event {
            Event::Began(began) => self.begin(began),
            Event::Listening(listening) => self.listen(at, *listening),
            Event::Sysctl { name, value } => self.set_sysctl(at, *name, *value),
            Event::Knobs(knobs) => self.turn(at, knobs),
            Event::Tempo(tempo) => self.set_tempo(at, *tempo),
            Event::Stepped { peer, thing } => self.stepped(*peer, *thing),
            Event::Segment(segment) => self.segment(at, segment),
            Event::Client { id, peer, life } => self.live(at, *id, *peer, *life),
            Event::Served { peer, deed } => self.serve(at, *peer, *deed),
            Event::AcceptFailed { errno } => {
                *self.accept_errors.entry(*errno).or_default() += 1;
            }
            Event::Queue(reading) => self.read_queue(at, reading),
            Event::Listed(listed) => self.read_lists(at, listed),
            Event::Counters(counters) => self.read_counters(counters),
            Event::Loss(loss) => self.losses.add(*loss),
            Event::Cost { eye, nanos } => {
                let cost: &mut Cost = self.costs.entry(*eye).or_default();
                cost.readings += 1;
                cost.nanos += nanos;
            }
            Event::Refused { message } => self.note(Note::Refused(message.clone())),
            Event::Watching(watching) => self.sysctls = watching.sysctls.clone(),
            Event::Trial(fact) => self.trials.apply(at, fact),
            Event::Lesson(fact) => self.lesson.get_or_insert_default().apply(at, fact),
            Event::Roll(_)
            | Event::Owned { .. }
            | Event::Crowded { .. }
            | Event::Knocked(_)
            | Event::Chosen(_)
            | Event::Tick => {}
            Event::Ended => self.end(at),
        }
        self.survey.apply(at, event);
        self.history.slot_at(at);
        self.roster.sweep(at);
        self.part(at);
        self.tend_diaries(at);
    }

    fn begin(&mut self, began: &Began) {
        let mut numbers = began.kernel.split(['.', '-']).map_while(|part| part.parse().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) {
            self.syn_rule = SynRule::of_version(major, minor);
        }
        self.sysctls = began.sysctls.clone();
        self.segments = began.tap.then(SegmentTally::default);
        self.open.stranger.is = began.watched;
        self.open.stranger.blind = began.watched && !began.tap;
        self.began = Some(began.clone());
    }

    fn listen(&mut self, at: Stamp, listening: Listening) {
        let first = self.listening.replace(listening).is_none();
        if listening.limit.is_some() {
            self.reading.limit = listening.limit;
        }
        self.set_capacities(at);
        if first && self.is_watched() {
            // Nobody saw that call: the limit is what it left behind.
            return;
        }
        self.mark(at);
        self.note(Note::Listened { backlog: listening.backlog, limit: listening.limit });
    }

    pub(super) fn set_capacities(&mut self, at: Stamp) {
        let (accept, syn) = (self.accept_capacity(), self.syn_capacity());
        self.accept_queue.set_capacity(at, accept);
        self.syn_queue.set_capacity(at, syn);
        self.history.slot_at(at).limit = self.accept_limit();
    }

    fn set_sysctl(&mut self, at: Stamp, name: Sysctl, value: i64) {
        self.sysctls.set(name, value);
        self.mark(at);
        self.note(Note::Changed(Sentence::new(move || format!("{} = {value}", name.name()))));
    }

    fn turn(&mut self, at: Stamp, knobs: &Knobs) {
        if let Some(before) = self.knobs.replace(knobs.clone()) {
            for change in knobs.changes(&before) {
                self.note(Note::Changed(change));
            }
            self.mark(at);
        }
    }

    fn set_tempo(&mut self, at: Stamp, tempo: Tempo) {
        let before = std::mem::replace(&mut self.tempo, tempo);
        if before.held != tempo.held {
            let held = || say!("step mode: the clients' time stands still").to_owned();
            let runs = || say!("the clients' time runs again").to_owned();
            self.note(Note::Changed(if tempo.held { Sentence::new(held) } else { Sentence::new(runs) }));
            self.mark(at);
        }
        if before.pace.to_bits() != tempo.pace.to_bits() {
            let what = move || say!("the clients' time runs at {pace}×", pace = tempo.pace);
            self.note(Note::Changed(Sentence::new(what)));
        }
    }

    fn stepped(&mut self, peer: Peer, thing: Thing) {
        let id = self.roster.connection(&peer).and_then(|one| one.id);
        self.note(Note::Stepped { who: Who { id, peer }, thing });
    }

    fn mark(&mut self, at: Stamp) {
        self.history.slot_at(at).mark = true;
    }

    pub(super) fn note(&mut self, note: Note) {
        if self.notes.len() == NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back((self.now, note));
    }

    fn end(&mut self, at: Stamp) {
        self.settle_everything(at);
        self.ended = true;
    }
}

impl Losses {
    const fn add(&mut self, loss: Loss) {
        match loss {
            Loss::LateTicks(count) => self.late_ticks += count,
            Loss::TapDropped(count) => self.tap_dropped += count,
            Loss::DetailSkipped(count) => self.detail_skipped += count,
            Loss::ArrivalsSkipped(count) => self.arrivals_skipped += count,
            Loss::Saturated => self.saturated = true,
        }
    }
}
