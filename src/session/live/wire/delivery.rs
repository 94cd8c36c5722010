//! Delivers one segment to the listener, and reads what became of it.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

use super::{Load, Passed, Wire};
use crate::lab::wire::outcome::{Answer, Evidence, Foreseen, Judgement, Question};
use crate::lab::wire::transmit::Transmit;
use crate::model::delivery::{Delivery, Outcome, Proof};
use crate::model::event::{Event, Stamped};
use crate::model::peer::Peer;
use crate::model::segment::{Segment, Toward};
use crate::model::stamp::Stamp;
use crate::session::live::actors::Actors;

/// The readings before a segment.
#[derive(Clone, Copy, Debug)]
struct Before {
    depth: Option<u32>,
    drops: Option<u32>,
}

/// A segment whose outcome is open.
#[derive(Clone, Copy)]
struct Sent<'a> {
    question: Question,
    segment: &'a Segment,
    /// The processors on which it may have been sent.
    on: &'a [usize],
}

/// What was decided about a segment.
struct Decision {
    outcome: Option<Outcome>,
    proof: Proof,
    depth_after: Option<u32>,
    drops: u32,
    answer: Option<Answer>,
}

impl Wire {
    /// Puts a segment on the link to the listener.
    pub(super) fn deliver(&mut self, load: Load<'_>, actors: &mut Actors, batch: &mut Vec<Stamped>) {
        let Some(segment) = load.segment() else {
            self.send(load);
            return;
        };
        // What the server has ended meets this segment no more.
        self.drain_server(actors, batch);
        let now = self.clock.now();
        let mut depth = None;
        let mut foreseen = self.outcomes.foresee(now, &segment);
        if matches!(foreseen, Foreseen::Open(_)) {
            depth = self.read_queue();
            foreseen = self.outcomes.foresee(now, &segment);
        }
        if matches!(foreseen, Foreseen::Open(question) if question.is_of_depth()) && self.outcomes.any_entering() {
            self.let_all_enter((actors, batch));
            depth = self.read_queue();
            foreseen = self.outcomes.foresee(now, &segment);
        }
        let at = self.clock.now();
        match foreseen {
            Foreseen::Nothing => {
                self.send(load);
                self.outcomes.passed(&segment);
                self.pass((at, load), segment, batch);
            }
            Foreseen::Certain(outcome, proof) => {
                let sent_on = self.send(load);
                if outcome == Outcome::Queued {
                    self.entering_on.extend(sent_on);
                    self.entering_on.sort_unstable();
                    self.entering_on.dedup();
                }
                let redeems_cookie = self.outcomes.redeems(&segment, outcome);
                self.outcomes.settle_unseen(at, &segment, outcome);
                let (depth_before, depth_after, drops) = (depth, None, 0);
                let delivery = Delivery { segment, outcome, proof, depth_before, depth_after, drops, redeems_cookie };
                self.decide((at, load), delivery, batch);
            }
            Foreseen::Open(question) => {
                self.drain_server(actors, batch);
                let at = self.clock.now();
                let before = Before { depth, drops: self.listener.drops() };
                self.answers.clear();
                let sent_on = self.send(load);
                let sent = Sent { question, segment: &segment, on: &sent_on };
                let decision = self.await_outcome(sent, before, (actors, batch));
                let Some(outcome) = decision.outcome else {
                    self.outcomes.passed(&segment);
                    return self.pass((at, load), segment, batch);
                };
                let redeems_cookie = self.outcomes.redeems(&segment, outcome);
                self.outcomes.settle(at, &segment, outcome, decision.answer);
                let (proof, drops) = (decision.proof, u8::try_from(decision.drops).unwrap_or(u8::MAX));
                let (depth_before, depth_after) = (depth, decision.depth_after);
                let delivery = Delivery { segment, outcome, proof, depth_before, depth_after, drops, redeems_cookie };
                self.decide((at, load), delivery, batch);
            }
        }
    }

    /// Emits a segment that decided nothing.
    fn pass(&mut self, (at, load): (Stamp, Load<'_>), segment: Segment, batch: &mut Vec<Stamped>) {
        batch.push(Stamped { at, event: Event::Segment(segment) });
        self.follow(at, &segment, batch);
        let Self { capture: Some(capture), transmit, .. } = self else { return };
        if let Some(frame) = bytes(transmit, load) {
            capture.passed(at, frame);
        }
    }

    /// Emits what became of a segment.
    fn decide(&mut self, (at, load): (Stamp, Load<'_>), delivery: Delivery, batch: &mut Vec<Stamped>) {
        batch.push(Stamped { at, event: Event::Delivered(delivery) });
        self.follow(at, &delivery.segment, batch);
        if delivery.outcome == Outcome::Queued
            && let Some(passed) = &mut self.passed
        {
            passed.push((at, Passed::Queued(delivery.segment.peer)));
        }
        let limit = self.outcomes.accept_limit();
        let Self { capture: Some(capture), transmit, .. } = self else { return };
        if let Some(frame) = bytes(transmit, load) {
            capture.decided(at, frame, &delivery, limit);
        }
    }

    /// Reads until the outcome of the segment that was just sent is known. Mostly it is at once: the segment is processed before
    /// `send()` returns. Where the kernel has left that to another thread, an echo behind the segment shows when it is over.
    fn await_outcome(
        &mut self,
        Sent { question, segment, on }: Sent<'_>,
        before: Before,
        (actors, batch): (&mut Actors, &mut Vec<Stamped>),
    ) -> Decision {
        let mut processed = false;
        let mut asked = None;
        loop {
            let drops = self.listener.drops();
            let depth_after = if question.is_of_depth() { self.listener.depth_and_limit().0 } else { None };
            self.drain_server(actors, batch);
            let drops = drops.zip(before.drops).map_or(0, |(now, then)| now.wrapping_sub(then));
            let growth = depth_after.zip(before.depth).map(|(now, then)| i64::from(now) - i64::from(then));
            let answer = self.answer_to(&segment.peer);
            let seen = Evidence { drops, growth, answer, processed };
            let mut judgement = self.outcomes.judge(question, segment, &seen);
            if judgement == Judgement::ReadCounters {
                judgement = match self.counters.read() {
                    Ok(counters) => self.outcomes.judge_by_counters(question, &seen, &counters),
                    Err(_) => Judgement::Decided(Outcome::Undetermined, Proof::None),
                };
            }
            let (outcome, proof) = match judgement {
                Judgement::Decided(outcome, proof) => (Some(outcome), proof),
                Judgement::Nothing => (None, Proof::None),
                Judgement::NotYet | Judgement::ReadCounters if processed => (Some(Outcome::Undetermined), Proof::None),
                Judgement::NotYet | Judgement::ReadCounters => {
                    processed = self.is_processed(on, &mut asked, (actors, batch));
                    continue;
                }
            };
            return Decision { outcome, proof, depth_after, drops, answer };
        }
    }

    /// Waits until what was certain to enter the accept queue is there: then its depth is exact, and its growth is the next segment's.
    fn let_all_enter(&mut self, (actors, batch): (&mut Actors, &mut Vec<Stamped>)) {
        let processors = std::mem::take(&mut self.entering_on);
        let mut asked = None;
        while !self.is_processed(&processors, &mut asked, (actors, batch)) {}
        self.outcomes.all_entered();
    }

    /// Asks for an echo on each of these processors at the first call, when none was `asked` for, and waits a moment for them at the others;
    /// true once all have come, or after [`LONGEST_ECHO`]. What is read after that is the end of it.
    fn is_processed(
        &mut self,
        processors: &[usize],
        asked: &mut Option<Stamp>,
        (actors, batch): (&mut Actors, &mut Vec<Stamped>),
    ) -> bool {
        let (now, is_first) = (self.clock.now(), asked.is_none());
        let since = *asked.get_or_insert(now);
        if is_first {
            let Self { carrier, echoes, .. } = self;
            for (place, &processor) in processors.iter().enumerate() {
                if !processors[..place].contains(&processor) {
                    on_processor(processor, || {
                        if let Err(error) = carrier.ask_for_echo(echoes.ask()) {
                            tracing::warn!(%error, "no echo can be asked for");
                        }
                    });
                }
            }
            self.drain_server(actors, batch);
        } else if !self.echoes.have_come()
            && let Some(ring) = &self.from_server
        {
            let moment = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            let _interrupted = poll(&mut [PollFd::new(ring, PollFlags::IN)], Some(&moment));
            self.drain_server(actors, batch);
        }
        if now.since(since) >= LONGEST_ECHO {
            self.echoes.give_up();
        }
        self.echoes.have_come()
    }

    fn answer_to(&self, peer: &Peer) -> Option<Answer> {
        self.answers.iter().find(|(whose, _)| whose == peer).map(|(_, answer)| *answer)
    }

    /// Reads the accept queue for the next decisions; its depth.
    pub(super) fn read_queue(&mut self) -> Option<u32> {
        if let Some((depth, limit)) = self.listener.fullest() {
            self.outcomes.set_queue(depth, limit);
        }
        self.listener.depth_and_limit().0
    }

    /// Reads what later outcomes are compared with.
    pub(super) fn rebase(&mut self) {
        self.read_queue();
        if let Ok(counters) = self.counters.read() {
            self.outcomes.rebase(&counters);
        }
    }

    /// Sends a segment; the processors on which that may have been: the one before it and the one after it, mostly the same.
    fn send(&mut self, load: Load<'_>) -> [usize; 2] {
        let before = sched_getcpu();
        let sent = match load {
            Load::Made(segment) => self.transmit.send(&segment),
            Load::Carried(frame, _) => self.carrier.carry(frame, Toward::Listener),
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "a client's segment could not be sent");
        }
        [before, sched_getcpu()]
    }
}

/// Does `work` on this processor: if the thread is there anyway, without moving it. Moved by the kernel meanwhile, it does the work again.
fn on_processor(number: usize, mut work: impl FnMut()) {
    if sched_getcpu() == number {
        work();
        if sched_getcpu() == number {
            return;
        }
    }
    let (Ok(before), true) = (sched_getaffinity(None), number < CpuSet::MAX_CPU) else { return work() };
    let mut only = CpuSet::new();
    only.set(number);
    let moved = sched_setaffinity(None, &only).is_ok();
    work();
    if moved && let Err(errno) = sched_setaffinity(None, &before) {
        tracing::warn!(%errno, "the thread stays on one processor");
    }
}

/// The frame that was sent.
fn bytes<'a>(transmit: &'a mut Transmit, load: Load<'a>) -> Option<&'a [u8]> {
    match load {
        Load::Made(segment) => transmit.frame(&segment).ok(),
        Load::Carried(frame, _) => Some(frame),
    }
}

/// How long an echo is waited for: the kernel's threads may have to wait for a processor.
const LONGEST_ECHO: Duration = Duration::from_secs(5);
