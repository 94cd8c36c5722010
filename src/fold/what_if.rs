//! What another backlog would have done with the clients that were seen: the arrivals and the `accept()` calls of the last minute, played again on
//! paper with a queue of another length. Pure.
//!
//! Start at [`TrafficLog::with_backlog`]. The accepts are kept as the server made them: how long it took to take the first connection of an empty queue, by
//! how long it had been idle before, and how long from one accept to the next while others waited. Where the present queue, played so, does not lose what
//! was seen to be lost the server is not understood, and nothing is said of other queues ([`TrafficLog::is_understood`]).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::model::queue;
use crate::model::stamp::Stamp;

/// What would have happened with a backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// The limit of the queue.
    pub backlog: u32,
    /// The clients that came.
    pub clients: u32,
    /// Those of them that would have met a full queue.
    pub lost: u32,
    /// The fewest and the most of them, if the server is a tenth faster or slower than it was seen to be.
    pub range: (u32, u32),
    /// How long the connection would have waited that waits longest; `None`: nothing was accepted.
    pub longest_wait: Option<Duration>,
}

/// The arrivals and accepts of the last minute.
#[derive(Clone, Debug, Default)]
pub struct TrafficLog {
    arrivals: VecDeque<Stamp>,
    /// The clients that met a full queue, once each.
    refused: VecDeque<Stamp>,
    accepts: VecDeque<Accepts>,
    /// How many waited before the first entry kept.
    waiting: u32,
    /// True once the queue was read.
    begun: bool,
    /// True when entries had to be forgotten early: the log then says nothing.
    crowded: bool,
}

/// Accepts at one moment.
#[derive(Clone, Copy, Debug)]
struct Accepts {
    at: Stamp,
    count: u32,
    /// True when nobody waited afterwards.
    emptied: bool,
}

/// The accepts from a queue that was empty to the next time it was.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// How long the server had taken nothing when the first connection came; `None`: not seen.
    idle: Option<Duration>,
    /// How long the first connection waited for the server.
    wake: Duration,
    /// How many were taken first.
    first: u32,
    /// Where its gaps begin among those of all runs.
    gaps_from: usize,
}

/// How the server accepted.
#[derive(Clone, Debug, Default)]
struct Pace {
    runs: Vec<Run>,
    /// How long from one accept to the next while others waited, and how many were then taken at once; of all runs.
    gaps: Vec<(Duration, u32)>,
}

/// So long is remembered.
const KEPT: Duration = Duration::from_secs(60);

/// At most so many arrivals, and so many accepts.
const MOST: usize = 20_000;

/// What is played is right up to this share of what was seen, or up to so many clients: queues are read each 5 ms, or each 50 ms while nothing waits.
const NEAR: f64 = 0.2;
const FEW: f64 = 5.0;

/// Fewer clients tell nothing.
const FEWEST: usize = 5;

/// The connections of a played queue are followed for so much longer than the log.
const AFTER: u32 = 20;

/// Idle times of a server are alike up to this factor (its logarithm: 1.5).
const ALIKE: f64 = 0.405;

/// Shorter times are not distinguished.
const GRAIN: Duration = Duration::from_millis(5);

/// A dropped SYN comes again after these seconds (tcp_syn_linear_timeouts, then doubled; net/ipv4/tcp_timer.c).
const RETRIES_S: [u64; 7] = [1, 2, 3, 4, 5, 7, 11];

/// Timers are late by up to 8 ticks of 4 ms (calc_index, kernel/time/timer.c).
const TIMER_SPREAD: Duration = Duration::from_millis(32);

/// Multiples of it are spread evenly (the golden ratio).
const GOLDEN: f64 = 0.618_033_988_749_895;

impl TrafficLog {
    /// A client's first SYN arrives.
    pub fn arrived(&mut self, at: Stamp) {
        if !self.crowded {
            self.arrivals.push_back(at);
            self.forget(at);
        }
    }

    /// The client that arrived then wants no place in the queue: it does not answer.
    pub fn withdrawn(&mut self, arrived: Stamp) {
        if let Ok(place) = self.arrivals.binary_search(&arrived) {
            self.arrivals.remove(place);
        }
    }

    /// A client met a full queue for the first time.
    pub fn refused(&mut self, at: Stamp) {
        if !self.crowded {
            self.refused.push_back(at);
        }
    }

    /// What the present queue has done: not played, but seen.
    pub fn as_it_was(&self, backlog: u32) -> Option<WhatIf> {
        let played = self.with_backlog(backlog)?;
        let lost = u32::try_from(self.refused.len()).unwrap_or(u32::MAX).min(played.clients);
        Some(WhatIf { lost, range: (lost, lost), ..played })
    }

    /// `count` connections were accepted; `emptied`: nobody waits any more.
    pub fn accepted(&mut self, at: Stamp, count: u32, emptied: bool) {
        if self.crowded {
            return;
        }
        match self.accepts.back_mut() {
            Some(last) if last.at == at => {
                last.count += count;
                last.emptied = emptied;
            }
            _ => self.accepts.push_back(Accepts { at, count, emptied }),
        }
        self.forget(at);
    }

    /// The queue was read: so many waited before the first entry, and nothing is known of how they came.
    pub fn begin(&mut self, waiting: u32) {
        if !std::mem::replace(&mut self.begun, true) {
            self.waiting = waiting;
        }
    }

    fn forget(&mut self, now: Stamp) {
        let old = |at: Stamp| now.since(at) > KEPT;
        while self.arrivals.front().is_some_and(|at| old(*at)) {
            self.arrivals.pop_front();
            // Who came and was not accepted yet is in the queue of the log that remains.
            self.waiting = self.waiting.saturating_add(1);
        }
        while self.refused.front().is_some_and(|at| old(*at)) {
            self.refused.pop_front();
        }
        while let Some(first) = self.accepts.front().filter(|first| old(first.at)).copied() {
            self.accepts.pop_front();
            self.waiting = if first.emptied { 0 } else { self.waiting.saturating_sub(first.count) };
        }
        if self.arrivals.len() > MOST || self.accepts.len() > MOST {
            *self = Self { crowded: true, begun: true, ..Self::default() };
        }
    }

    /// What a queue of this backlog would have done; `None` where too little is known.
    pub fn with_backlog(&self, backlog: u32) -> Option<WhatIf> {
        if self.crowded || self.arrivals.len() < FEWEST {
            return None;
        }
        Some(self.play(backlog, &self.pace()))
    }

    /// True when a queue of this backlog, which they really met, loses as many on paper as were seen to be lost: only then the server is understood.
    pub fn is_understood(&self, backlog: u32) -> bool {
        let seen = self.refused.len() as f64;
        self.with_backlog(backlog).is_some_and(|played| (f64::from(played.lost) - seen).abs() <= (seen * NEAR).max(FEW))
    }

    /// What may be said of another backlog: of a server that is not understood only that nobody is lost where all find room.
    pub fn predicted(&self, backlog: u32, understood: bool) -> Option<WhatIf> {
        let played = self.with_backlog(backlog)?;
        let room = self.arrivals.len() + self.waiting as usize <= queue::accept_capacity(backlog) as usize;
        let sure = WhatIf { longest_wait: played.longest_wait.filter(|_| understood), ..played };
        (understood || room).then_some(sure)
    }

    /// The same, with the range of what may come of it.
    pub fn in_range(&self, predicted: WhatIf) -> WhatIf {
        let pace = self.pace();
        [0.9, 1.1].into_iter().fold(predicted, |predicted, factor| {
            let lost = self.play(predicted.backlog, &pace.times(factor)).lost;
            WhatIf { range: (predicted.range.0.min(lost), predicted.range.1.max(lost)), ..predicted }
        })
    }

    fn play(&self, backlog: u32, pace: &Pace) -> WhatIf {
        Played::new(self, queue::accept_capacity(backlog) as usize, pace).play(backlog)
    }

    fn pace(&self) -> Pace {
        let mut pace = Pace::default();
        let mut before: Option<Accepts> = None;
        let mut arrivals = self.arrivals.iter().copied().peekable();
        for accepts in &self.accepts {
            let since = before.map_or(Stamp::ZERO, |before| before.at);
            while arrivals.next_if(|at| *at <= since).is_some() {}
            // The queue was empty: the server is asked when the first client comes.
            let came = arrivals.peek().copied().filter(|came| *came <= accepts.at);
            match (before, came) {
                (Some(before), _) if !before.emptied => pace.gaps.push((accepts.at.since(before.at), accepts.count)),
                (None, _) if self.waiting > 0 => {}
                (_, Some(came)) => pace.runs.push(Run {
                    idle: before.map(|before| came.since(before.at)),
                    wake: accepts.at.since(came),
                    first: accepts.count,
                    gaps_from: pace.gaps.len(),
                }),
                // Who was accepted had been refused before, and came again at a moment that is not known.
                (_, None) => {}
            }
            before = Some(*accepts);
        }
        pace
    }
}

impl Pace {
    /// The same with all its times longer or shorter.
    fn times(&self, factor: f64) -> Self {
        let gaps = self.gaps.iter().map(|(gap, count)| (gap.mul_f64(factor), *count)).collect();
        let runs = self.runs.iter().map(|run| Run { wake: run.wake.mul_f64(factor), ..*run }).collect();
        Self { runs, gaps }
    }

    /// The next run, in the order in which they were seen, that began when the server had been idle for about as long; else the one that comes nearest.
    fn next_after(&self, idle: Option<Duration>, from: usize) -> Option<usize> {
        let in_order = || (0..self.runs.len()).map(|step| (from + step) % self.runs.len());
        let apart = |place: &usize| {
            let (Some(one), Some(other)) = (self.runs[*place].idle, idle) else { return f64::MAX };
            let (one, other) = (one.max(GRAIN).as_secs_f64(), other.max(GRAIN).as_secs_f64());
            (one / other).ln().abs()
        };
        in_order()
            .find(|place| apart(place) <= ALIKE)
            .or_else(|| in_order().min_by(|one, other| apart(one).total_cmp(&apart(other))))
    }
}

/// A queue on paper.
struct Played<'a> {
    capacity: usize,
    pace: &'a Pace,
    /// When each client comes, and for which time.
    coming: BinaryHeap<Reverse<(Stamp, u32)>>,
    /// When each waiting connection came in.
    queue: VecDeque<Stamp>,
    /// The next accepts, and how many they are.
    next: Option<(Stamp, u32)>,
    last: Option<Stamp>,
    run: usize,
    step: usize,
    lost: u32,
    /// Dropped SYNs, repeated ones too.
    drops: u32,
    longest: Duration,
    until: Stamp,
}

impl<'a> Played<'a> {
    fn new(log: &TrafficLog, capacity: usize, pace: &'a Pace) -> Self {
        let first = log.arrivals.front().copied().unwrap_or_default();
        let begins = log.accepts.front().map_or(first, |accepts| accepts.at.min(first));
        let last = log.arrivals.back().copied().unwrap_or_default();
        let queue = std::iter::repeat_n(begins, log.waiting as usize).collect();
        let coming = log.arrivals.iter().map(|at| Reverse((*at, 0))).collect();
        let until = last + last.since(begins).max(Duration::from_secs(1)) * AFTER;
        let mut played = Self {
            capacity,
            pace,
            coming,
            queue,
            next: None,
            last: None,
            run: 0,
            step: 0,
            lost: 0,
            drops: 0,
            longest: Duration::ZERO,
            until,
        };
        if !played.queue.is_empty() {
            played.next = log.accepts.front().map(|accepts| (accepts.at, accepts.count));
        }
        played
    }

    fn play(mut self, backlog: u32) -> WhatIf {
        let clients = self.coming.len() as u32;
        loop {
            let comes = self.coming.peek().map(|Reverse((at, _))| *at);
            match (comes, self.next) {
                (Some(at), next) if next.is_none_or(|(accepts, _)| at < accepts) => self.come(),
                (_, Some((at, count))) if at <= self.until => self.accept(at, count),
                _ => break,
            }
        }
        let longest_wait = (!self.pace.runs.is_empty() || !self.pace.gaps.is_empty()).then_some(self.longest);
        WhatIf { backlog, clients, lost: self.lost, range: (self.lost, self.lost), longest_wait }
    }

    fn come(&mut self) {
        let Some(Reverse((at, tried))) = self.coming.pop() else { return };
        if self.queue.len() < self.capacity {
            self.queue.push_back(at);
            if self.queue.len() == 1 && self.next.is_none() {
                self.wake(at);
            }
            return;
        }
        self.lost += u32::from(tried == 0);
        // It keeps its place in the schedule of the SYNs: each next one is later by the difference.
        let (now, before) =
            (RETRIES_S.get(tried as usize), tried.checked_sub(1).map_or(0, |tried| RETRIES_S[tried as usize]));
        self.drops = self.drops.wrapping_add(1);
        let late = TIMER_SPREAD.mul_f64((f64::from(self.drops) * GOLDEN).fract());
        let later = now.map(|now| at + Duration::from_secs(now - before) + late);
        if let Some(later) = later.filter(|later| *later <= self.until) {
            self.coming.push(Reverse((later, tried + 1)));
        }
    }

    /// A connection comes into the empty queue: the server takes it as it did when it had been idle for about as long.
    fn wake(&mut self, at: Stamp) {
        let idle = self.last.map(|last| at.since(last));
        let Some(place) = self.pace.next_after(idle, self.run) else {
            self.next = self.gap_after(at);
            return;
        };
        let run = self.pace.runs[place];
        (self.run, self.step) = (place + 1, run.gaps_from);
        // A server that was busy is free again at the same time after its last accept.
        let busy = self.last.zip(run.idle).map(|(last, idle)| (last + idle + run.wake).since(at));
        self.next = Some((at + busy.map_or(run.wake, |busy| busy.min(run.wake)), run.first));
    }

    fn accept(&mut self, at: Stamp, count: u32) {
        for _ in 0..count {
            let Some(came) = self.queue.pop_front() else { break };
            self.longest = self.longest.max(at.since(came));
        }
        self.last = Some(at);
        self.next = if self.queue.is_empty() { None } else { self.gap_after(at) };
    }

    /// The next accept while others wait. A server that was never seen to leave anybody waiting takes all of them.
    fn gap_after(&mut self, at: Stamp) -> Option<(Stamp, u32)> {
        let gaps = &self.pace.gaps;
        let (gap, count) = gaps.get(self.step % gaps.len().max(1)).copied().unwrap_or((Duration::ZERO, u32::MAX));
        self.step += 1;
        (!gaps.is_empty() || !self.pace.runs.is_empty()).then_some((at + gap, count))
    }
}
