//! What another backlog would have done with the clients that were seen: the arrivals and the `accept()` calls of the last minute, played again on
//! paper with a queue of another length. Pure.
//!
//! Start at [`TrafficLog::with_backlog`]. The accepts are kept as the server made them, as runs: how long it took to take the first connection of an empty
//! queue, and how long from one accept to the next while others waited. A run that ended because nobody waited any more would have gone on as it was.

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
    /// The fewest and the most of them, if the server is a tenth faster or slower than it was seen to be, and its pauses fall otherwise.
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
#[derive(Clone, Debug, Default)]
struct Run {
    /// How long the first connection waited for the server.
    wake: Duration,
    /// How long from one accept to the next while others waited, and how many were then taken at once.
    gaps: Vec<(Duration, u32)>,
    /// How many were taken first.
    first: u32,
}

/// So long is remembered.
const KEPT: Duration = Duration::from_secs(60);

/// At most so many arrivals, and so many accepts.
const MOST: usize = 20_000;

/// Fewer clients tell nothing.
const FEWEST: usize = 5;

/// The connections of a played queue are followed for so much longer than the log.
const AFTER: u32 = 20;

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
        Some(self.play(backlog, &self.runs()))
    }

    /// The same, with the range of what may come of it.
    pub fn with_range(&self, backlog: u32) -> Option<WhatIf> {
        let mut tried = self.with_backlog(backlog)?;
        let runs = self.runs();
        for (pace, from) in [(0.9, 0), (1.0, runs.len() / 2), (1.1, 0)] {
            let mut others: Vec<_> = runs.iter().map(|run| run.at_pace(pace)).collect();
            others.rotate_left(from);
            let lost = self.play(backlog, &others).lost;
            tried.range = (tried.range.0.min(lost), tried.range.1.max(lost));
        }
        Some(tried)
    }

    fn play(&self, backlog: u32, runs: &[Run]) -> WhatIf {
        Played::new(self, queue::accept_capacity(backlog) as usize, runs).play(backlog)
    }

    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut before: Option<Accepts> = None;
        let mut arrivals = self.arrivals.iter().copied().peekable();
        for accepts in &self.accepts {
            let goes_on = before.filter(|before| !before.emptied);
            if let (Some(before), Some(run)) = (goes_on, runs.last_mut()) {
                run.gaps.push((accepts.at.since(before.at), accepts.count));
            } else {
                // The queue was empty: the server is asked when the first client comes.
                let since = before.map_or(Stamp::ZERO, |before| before.at);
                while arrivals.next_if(|at| *at <= since).is_some() {}
                let came = arrivals.peek().copied().filter(|came| *came <= accepts.at);
                let wake = came.map_or(Duration::ZERO, |came| accepts.at.since(came));
                runs.push(Run { wake, gaps: Vec::new(), first: accepts.count });
            }
            before = Some(*accepts);
        }
        runs
    }
}

impl Run {
    /// The same with all its times longer or shorter.
    fn at_pace(&self, pace: f64) -> Self {
        let gaps = self.gaps.iter().map(|(gap, count)| (gap.mul_f64(pace), *count)).collect();
        Self { wake: self.wake.mul_f64(pace), gaps, first: self.first }
    }
}

/// A queue on paper.
struct Played<'a> {
    capacity: usize,
    runs: &'a [Run],
    /// All gaps of all runs, for runs that were too short to show one.
    gaps: Vec<(Duration, u32)>,
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
    fn new(log: &TrafficLog, capacity: usize, runs: &'a [Run]) -> Self {
        let first = log.arrivals.front().copied().unwrap_or_default();
        let begins = log.accepts.front().map_or(first, |accepts| accepts.at.min(first));
        let last = log.arrivals.back().copied().unwrap_or_default();
        let queue = std::iter::repeat_n(begins, (log.waiting as usize).min(capacity)).collect();
        let gaps = runs.iter().flat_map(|run| run.gaps.iter().copied()).collect();
        let coming = log.arrivals.iter().map(|at| Reverse((*at, 0))).collect();
        let until = last + last.since(begins).max(Duration::from_secs(1)) * AFTER;
        let mut played = Self {
            capacity,
            runs,
            gaps,
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
            played.wake(begins);
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
        let longest_wait = (!self.runs.is_empty()).then_some(self.longest);
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

    /// A connection comes into the empty queue: the server takes it as it took the first ones of its runs.
    fn wake(&mut self, at: Stamp) {
        let Some(run) = self.runs.get(self.run % self.runs.len().max(1)) else { return };
        self.step = 0;
        // A server with a pace of its own is not asked sooner than its pace allows.
        self.next = Some((at + run.wake, run.first));
    }

    fn accept(&mut self, at: Stamp, count: u32) {
        for _ in 0..count {
            let Some(came) = self.queue.pop_front() else { break };
            self.longest = self.longest.max(at.since(came));
        }
        self.last = Some(at);
        if self.queue.is_empty() {
            self.next = None;
            self.run += 1;
            return;
        }
        let run = &self.runs[self.run % self.runs.len()];
        // A server that took several at once, and nobody was left, would have taken the others too.
        let at_once = [(Duration::ZERO, run.first)];
        let gaps = match run.gaps.as_slice() {
            [] if run.first > 1 => &at_once,
            [] => self.gaps.as_slice(),
            own => own,
        };
        let (gap, count) = gaps.get(self.step % gaps.len().max(1)).copied().unwrap_or((Duration::ZERO, 1));
        self.step += 1;
        self.next = Some((at + gap, count));
    }
}
