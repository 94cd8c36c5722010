//! What ends a watch with a failed expectation (`--fail-on`): a listener that drops, or one that is too full.
//!
//! A listener's own drop counter is noisy (a repeated SYN of a queued request counts), the namespace's ListenDrops is exact and
//! names nobody. A drop is somebody's when both have gone up at the same time and nobody else comes into question.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counters::Counter;
use super::event::Event;
use super::stamp::Stamp;
use super::survey::{Survey, Watched};
use super::watch::{ListenerId, Target};
use super::world::World;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailOn {
    /// The listener has dropped a SYN or a final ACK.
    Overflow,
    /// Its accept queue holds this share of its capacity or more; above 0, at most 1.
    Full(f64),
}

/// Conditions and what is known about them so far.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    conditions: Vec<FailOn>,
    target: Option<Target>,
    /// ListenDrops as last read, and drops since that nobody has been named for.
    counted: Option<u64>,
    unnamed: Option<Stamp>,
    /// Each listener's drop counter as last seen, and when it went up lately.
    seen: BTreeMap<ListenerId, u32>,
    risen: BTreeMap<ListenerId, Stamp>,
}

impl Alarm {
    /// An alarm for the listeners of `target`; `None`: for any.
    pub fn new(conditions: Vec<FailOn>, target: Option<Target>) -> Self {
        Self { conditions, target, ..Self::default() }
    }

    /// Takes a fact that `world` has just taken; what has happened, when one of the conditions holds.
    pub fn hear(&mut self, world: &World, event: &Event) -> Option<String> {
        let conditions = std::mem::take(&mut self.conditions);
        let rung = conditions.iter().find_map(|condition| match condition {
            FailOn::Full(share) => self.too_full(&world.survey, event, *share),
            FailOn::Overflow => self.dropped(world, event),
        });
        self.conditions = conditions;
        rung
    }

    fn too_full(&self, survey: &Survey, event: &Event, share: f64) -> Option<String> {
        let Event::Roll(roll) = event else { return None };
        roll.changed.iter().filter(|reading| self.is_meant(reading.id, survey)).find_map(|reading| {
            let one = survey.listeners.get(&reading.id)?;
            let (depth, capacity) = (reading.queue.depth?, one.capacity()?);
            (depth > 0 && f64::from(depth) >= share * f64::from(capacity)).then(|| {
                let percent = share * 100.0;
                format!("{}: its accept queue holds {depth} of {capacity}, {percent} % or more", name(one))
            })
        })
    }

    fn dropped(&mut self, world: &World, event: &Event) -> Option<String> {
        let now = world.now;
        match event {
            Event::Roll(roll) => {
                for reading in &roll.changed {
                    let Some(drops) = reading.queue.drops else { continue };
                    // The counter of a socket that has come during the watch began at 0.
                    let began = if self.counted.is_some() { 0 } else { drops };
                    if self.seen.insert(reading.id, drops).unwrap_or(began) != drops {
                        self.risen.insert(reading.id, now);
                    }
                }
            }
            Event::Counters(counters) => {
                let drops = counters.value(Counter::ListenDrops)?;
                if self.counted.replace(drops).is_some_and(|before| drops > before) {
                    self.unnamed.get_or_insert(now);
                }
            }
            _ => {}
        }
        self.culprit(world, matches!(event, Event::Ended))
    }

    /// Who has dropped, once everybody who may have has been read.
    fn culprit(&mut self, world: &World, last: bool) -> Option<String> {
        let since = self.unnamed?;
        if !last && world.now.since(since) < SETTLED {
            return None;
        }
        let near = |at: Stamp| at.since(since).max(since.since(at)) <= TOGETHER;
        let suspects: Vec<_> = self
            .risen
            .iter()
            .filter(|(_, at)| near(**at))
            .filter_map(|(id, _)| Some((*id, world.survey.listeners.get(id)?)))
            .collect();
        let has_been_full = |one: &Watched| one.full_since.is_some() || !one.full_before.is_zero();
        let alone = suspects.len() == 1;
        let found = suspects.iter().find(|(id, one)| (alone || has_been_full(one)) && self.is_meant(*id, &world.survey));
        let message = found.map(|(_, one)| {
            let (depth, capacity) = (number(one.reading.queue.depth), number(one.capacity()));
            format!("{} has dropped: its accept queue holds {depth} of {capacity}", name(one))
        });
        if message.is_none() && world.now.since(since) > TOGETHER {
            self.unnamed = None;
        }
        message
    }

    fn is_meant(&self, id: ListenerId, survey: &Survey) -> bool {
        let one = survey.listeners.get(&id);
        one.is_some_and(|one| self.target.as_ref().is_none_or(|target| target.takes(&one.reading)))
    }
}

fn number(value: Option<u32>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| value.to_string())
}

/// The listener as a person knows it.
fn name(one: &Watched) -> String {
    let address = &one.reading.address;
    one.owner
        .as_ref()
        .map_or_else(|| address.to_string(), |owner| format!("{address} ({}, pid {})", owner.command, owner.pid))
}

/// How long after the counters every listener has been read too.
const SETTLED: Duration = Duration::from_millis(150);

/// A listener's own counter and the namespace's go up together when they are read within this time of each other.
const TOGETHER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counters::Counters;
    use crate::model::sample::QueueReading;
    use crate::model::watch::{Address, ListenerReading, Roll, Watching};

    /// A watch told step by step.
    struct Tale {
        world: World,
        alarm: Alarm,
        at: u64,
        rung: Option<String>,
    }

    impl Tale {
        fn new(conditions: &[FailOn], target: Option<&str>) -> Self {
            let target = target.map(|words| words.parse().unwrap());
            let alarm = Alarm::new(conditions.to_vec(), target);
            let mut tale = Self { world: World::new(), alarm, at: 0, rung: None };
            let watching = Watching {
                kernel: "6.18".into(),
                pid: 1,
                rights: Default::default(),
                netns: None,
                target: None,
                sysctls: Default::default(),
            };
            tale.tell(Event::Watching(Box::new(watching)));
            tale
        }

        fn tell(&mut self, event: Event) -> bool {
            self.world.apply(Stamp::from_millis(self.at), &event);
            let rung = self.alarm.hear(&self.world, &event);
            self.at += 100;
            self.rung = self.rung.take().or(rung);
            self.rung.is_some()
        }

        fn read(&mut self, port: u16, depth: u32, drops: u32) -> bool {
            let address = Address::Tcp(([127, 0, 0, 1], port).into());
            let queue = QueueReading { depth: Some(depth), limit: Some(4), drops: Some(drops) };
            let id = ListenerId(port.into());
            let changed = vec![ListenerReading { id, address, v6_only: None, queue, inode: 1, uid: None }];
            self.tell(Event::Roll(Box::new(Roll { changed, gone: Vec::new() })))
        }

        fn count(&mut self, drops: u64) -> bool {
            let mut counters = Counters::default();
            counters.set(Counter::ListenDrops, drops);
            self.tell(Event::Counters(Box::new(counters)))
        }

        fn rest(&mut self) -> bool {
            (0..20).any(|_| self.tell(Event::Tick))
        }
    }

    #[test]
    fn a_drop_counts_when_listener_and_kernel_agree_in_whatever_order_they_are_read() {
        for kernel_first in [true, false] {
            let mut tale = Tale::new(&[FailOn::Overflow], None);
            tale.read(80, 2, 7);
            tale.count(40);
            if kernel_first {
                tale.count(41);
                tale.read(80, 2, 8);
            } else {
                tale.read(80, 2, 8);
                tale.count(41);
            }
            assert!(tale.rest(), "{kernel_first}");
            assert!(tale.rung.unwrap().contains("127.0.0.1:80 has dropped"));
        }
    }

    #[test]
    fn noise_alone_and_drops_of_others_alone_are_no_overflow() {
        let mut tale = Tale::new(&[FailOn::Overflow], Some("80"));
        tale.read(80, 1, 0);
        tale.read(81, 5, 0);
        tale.count(40);
        tale.read(80, 1, 3);
        assert!(!tale.rest(), "the kernel has dropped nothing");
        tale.read(81, 5, 9);
        tale.count(43);
        assert!(!tale.rest(), "another listener has dropped: {:?}", tale.rung);
    }

    #[test]
    fn of_several_that_come_into_question_the_one_that_was_full_has_dropped() {
        let mut tale = Tale::new(&[FailOn::Overflow], None);
        tale.read(80, 1, 0);
        tale.read(81, 5, 0);
        tale.count(40);
        tale.read(80, 1, 1);
        tale.read(81, 5, 1);
        tale.count(41);
        assert!(tale.rest());
        assert!(tale.rung.unwrap().contains(":81 "));
    }

    #[test]
    fn the_end_decides_what_is_still_open() {
        let mut tale = Tale::new(&[FailOn::Overflow], None);
        tale.read(80, 5, 0);
        tale.count(40);
        tale.read(80, 5, 1);
        assert!(!tale.count(41));
        assert!(tale.tell(Event::Ended));
    }

    #[test]
    fn full_counts_at_its_share_of_what_fits_and_for_the_target_alone() {
        let mut tale = Tale::new(&[FailOn::Overflow, FailOn::Full(0.8)], Some(":80"));
        assert!(!tale.read(81, 5, 0) && !tale.read(80, 3, 0));
        assert!(tale.read(80, 4, 0));
        assert!(tale.rung.unwrap().contains("holds 4 of 5, 80 % or more"));
        let mut empty = Tale::new(&[FailOn::Full(0.001)], None);
        assert!(!empty.read(80, 0, 0));
    }
}
