//! The director: what could be told of the world, and the headline that comes of it. Start at [`direct`].

use std::time::Duration;

use super::headline::{Director, QueueName, Story};
use super::occupancy::Fullness;
use super::reduced;
use super::world::World;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::settings::AcceptRate;
use crate::model::stamp::Stamp;
use crate::text::lang::{Lang, within};

pub mod words;

/// Lets the director look at the world, at most once in [`PACE`].
pub(super) fn direct(world: &mut World) {
    let now = world.now;
    let due = world.headline.looked.is_none_or(|looked| now.since(looked) >= PACE) || world.ended;
    if !due {
        return;
    }
    let mut director = std::mem::take(&mut world.headline);
    director.looked = Some(now);
    look(&mut director, world);
    let candidates = candidates(&director, world);
    if let Some(story) = director.next(candidates, now) {
        if matches!(story, Story::Dropped(_) | Story::Ghosts | Story::Phantoms) {
            director.subject = newest_loss(world).or(director.subject);
        }
        let words = within(Lang::English, || words::of(&story, world));
        director.tell(story, now, &words[0]);
    }
    world.headline = director;
}

/// Whether a queue is shown as full: its own mark, and for as long as the headline calls it full.
pub fn fullness(world: &World, queue: QueueName, now: Stamp) -> Fullness {
    let occupancy = match queue {
        QueueName::Syn => &world.syn_queue,
        QueueName::Accept => &world.accept_queue,
    };
    let fullness = occupancy.fullness(now);
    let called = world.headline.shown().is_some_and(|shown| shown.story.full_queue() == Some(queue));
    if fullness.is_marked() || !called {
        return fullness;
    }
    // A drop tells that the queue was full, also where no reading has met it.
    let causes = Cause::ALL.into_iter().filter(|cause| blames(*cause) == Some(queue));
    let lost = causes.filter_map(|cause| world.headline.last_loss(cause)).max();
    occupancy.last_full(now).max(lost).map_or(Fullness::Free, |at| Fullness::WasFull(now.since(at)))
}

/// The client whose segment was dropped last.
fn newest_loss(world: &World) -> Option<Peer> {
    let lost = world.roster.iter().filter_map(|connection| Some((connection.last_drop?.at, connection.peer)));
    lost.max().map(|(_, peer)| peer)
}

/// Counts what was lost, and since when each queue is full.
fn look(director: &mut Director, world: &World) {
    let now = world.now;
    for cause in Cause::ALL {
        let (counted, grew) = &mut director.losses[cause as usize];
        let lost = world.lost(cause).segments;
        if lost > *counted {
            *grew = Some(now);
        }
        *counted = lost;
    }
    let unseen = reduced::drops_without_cause(world).unwrap_or(0);
    if unseen > director.unseen.0 {
        director.unseen.1 = Some(now);
    }
    director.unseen.0 = unseen;
    for (since, queue) in director.full_since.iter_mut().zip([&world.syn_queue, &world.accept_queue]) {
        let shut = queue.fullness(now).is_shut();
        *since = shut.then_some(since.unwrap_or(now));
    }
}

/// What could be told now.
fn candidates(director: &Director, world: &World) -> Vec<Story> {
    let now = world.now;
    if world.ended {
        return vec![Story::Over];
    }
    let mut stories = Vec::new();
    let recent = |cause: Cause| director.last_loss(cause).is_some_and(|at| now.since(at) < RECENT);
    for cause in Cause::ALL.into_iter().filter(|cause| recent(*cause)) {
        stories.extend(match cause {
            Cause::AckAcceptQueueFull => Some(Story::Ghosts),
            Cause::AckCookieAcceptQueueFull => Some(Story::Phantoms),
            Cause::RequestExpired | Cause::RequestPruned => Some(Story::Removed(cause)),
            Cause::ClientLost => None,
            cause => Some(Story::Dropped(cause)),
        });
    }
    if director.unseen.1.is_some_and(|at| now.since(at) < RECENT) {
        stories.push(Story::Unseen);
    }
    for (queue, since) in [QueueName::Syn, QueueName::Accept].into_iter().zip(director.full_since) {
        // What a full queue drops says that it is full as well.
        let untold = !stories.iter().any(|story| story.full_queue() == Some(queue));
        if untold && since.is_some_and(|since| now.since(since) >= SETTLED) {
            stories.push(Story::Full(queue));
        }
    }
    // Ghosts and phantoms are stories of their own.
    let about_this = |rule: &str| !matches!(rule, "ghosts" | "phantoms") && world.found.contains_key(rule);
    let verdicts = world.findings.iter().filter(|finding| about_this(&finding.rule));
    stories.extend(verdicts.map(|finding| Story::Verdict(finding.rule.clone())));
    notes(director, world, &mut stories);
    stories
}

/// What is told where there is nothing else, or once.
fn notes(director: &Director, world: &World, stories: &mut Vec<Story>) {
    let Some(began) = &world.began else { return stories.push(Story::Starting) };
    let once = |story: &Story| match &director.shown {
        Some(shown) if shown.story == *story => world.now < shown.until,
        _ => !director.told.contains_key(story) && world.now.since(world.opened) < BEGINNING,
    };
    let greets = !world.is_watched() && once(&Story::Greeting);
    if began.fallback.is_some() && once(&Story::Fallback) {
        return stories.push(Story::Fallback);
    }
    if greets {
        return stories.push(Story::Greeting);
    }
    if world.losses.saturated && director.is_news(&Story::Saturated, world.now) {
        stories.push(Story::Saturated);
    }
    if stories.is_empty() {
        let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
        stories.push(if paused { Story::Paused } else { Story::Depths });
    }
}

/// The queue that was full when something was lost for this cause.
const fn blames(cause: Cause) -> Option<QueueName> {
    match cause {
        Cause::SynSynQueueFull => Some(QueueName::Syn),
        cause if cause.is_overflow() => Some(QueueName::Accept),
        _ => None,
    }
}

/// How long a loss is worth being told.
const RECENT: Duration = Duration::from_millis(2500);

/// How long a queue is full before that is a story of its own: what it drops comes first.
const SETTLED: Duration = Duration::from_millis(400);

/// The beginning of a session, in which it is said what there is to be seen.
const BEGINNING: Duration = Duration::from_secs(8);

/// Interval between two looks.
const PACE: Duration = Duration::from_millis(25);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Event, Listening};
    use crate::model::sample::QueueReading;

    #[test]
    fn a_headline_that_calls_a_queue_full_keeps_its_mark() {
        let (mut world, at) = (World::new(), Stamp::from_millis);
        let read = |depth| Event::Queue(QueueReading { depth: Some(depth), limit: Some(1), drops: None });
        world.apply(at(0), &Event::Listening(Listening { backlog: 1, somaxconn: None, limit: Some(1) }));
        world.apply(at(100), &read(2));
        world.apply(at(700), &read(2));
        world.headline.tell(Story::Full(QueueName::Accept), at(700), "");
        world.apply(at(800), &read(0));
        let shown = |millis| fullness(&world, QueueName::Accept, at(millis));
        assert_eq!(shown(800), Fullness::WasFull(Duration::ZERO));
        assert_eq!(shown(3000), Fullness::WasFull(Duration::from_millis(2200)), "the headline is still there");
        world.headline.tell(Story::Depths, at(3200), "");
        assert_eq!(fullness(&world, QueueName::Accept, at(3200)), Fullness::Free);
    }
}
