//! The headline: which one of the stories that could be told stands above the picture, and for how long. Pure: time goes in.
//!
//! The kernel decides in microseconds, and a person reads one sentence in seconds. So one [`Story`] at a time is told, for at
//! least [`SHORTEST`] and as long as its words take to be read; its numbers follow the facts meanwhile. Only something of a
//! higher [`Rank`] that was not told lately comes earlier. What could be told, [`crate::fold::director`] knows.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// One of the two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueName {
    /// Half-open requests.
    Syn,
    /// Connections that wait for `accept()`.
    Accept,
}

/// What a headline is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Nothing has begun yet.
    Starting,
    /// What there is to be seen.
    Greeting,
    /// Why the lab is not in a network of its own.
    Fallback,
    /// The requested rate is beyond this machine.
    Saturated,
    /// How many wait where.
    Depths,
    /// `accept()` is not called.
    Paused,
    /// This rule has found something.
    Verdict(String),
    /// Clients are connected and the server keeps nothing of them.
    Phantoms,
    /// Clients are connected and the server has ignored their final ACK.
    Ghosts,
    /// Requests were removed for this cause.
    Removed(Cause),
    /// A queue holds its capacity.
    Full(QueueName),
    /// Packets are dropped, and why is not seen here.
    Unseen,
    /// Segments are dropped, or reset, for this cause.
    Dropped(Cause),
    /// The session is over.
    Over,
}

/// How much a story matters: one of a higher rank may interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// What is so.
    Note,
    /// What a rule found.
    Verdict,
    /// Client and server disagree, or a request was removed.
    Ghost,
    /// A queue is full.
    Full,
    /// Something was dropped.
    Dropped,
    /// Nothing will follow.
    Over,
}

impl Story {
    /// How much it matters.
    pub const fn rank(&self) -> Rank {
        match self {
            Self::Starting | Self::Greeting | Self::Saturated | Self::Depths | Self::Paused => Rank::Note,
            Self::Verdict(_) => Rank::Verdict,
            Self::Phantoms | Self::Ghosts | Self::Removed(_) => Rank::Ghost,
            Self::Full(_) => Rank::Full,
            // Said once, at the beginning, to its end.
            Self::Dropped(_) | Self::Unseen | Self::Fallback => Rank::Dropped,
            Self::Over => Rank::Over,
        }
    }

    /// The queue that its words call full.
    pub const fn full_queue(&self) -> Option<QueueName> {
        match self {
            Self::Full(queue) => Some(*queue),
            Self::Dropped(Cause::SynSynQueueFull) => Some(QueueName::Syn),
            Self::Dropped(Cause::SynAcceptQueueFull | Cause::AckReset) | Self::Ghosts | Self::Phantoms => {
                Some(QueueName::Accept)
            }
            _ => None,
        }
    }
}

/// What stands above the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// What it is about.
    pub story: Story,
    /// Since when it has stood there.
    pub since: Stamp,
    /// Until when only something more important replaces it.
    pub until: Stamp,
}

/// What was told, and what it is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Director {
    pub(super) shown: Option<Headline>,
    /// When each story was told last.
    pub(super) told: BTreeMap<Story, Stamp>,
    /// Losses by cause as counted at the last look, and when they last grew.
    pub(super) losses: [(u64, Option<Stamp>); Cause::ALL.len()],
    /// The same of losses whose cause is not seen.
    pub(super) unseen: (u64, Option<Stamp>),
    /// When each queue was seen to be full first, without a break.
    pub(super) full_since: [Option<Stamp>; 2],
    /// The client of the newest loss when that was told last.
    pub(super) subject: Option<Peer>,
    /// When the world was looked at last.
    pub(super) looked: Option<Stamp>,
}

impl Director {
    /// The present headline.
    pub const fn shown(&self) -> Option<&Headline> {
        self.shown.as_ref()
    }

    /// The client that stands for the last losses that were told.
    pub const fn subject(&self) -> Option<Peer> {
        self.subject
    }

    /// Whether `story` was not told within [`REST`] before `now`: it is news.
    pub(super) fn is_news(&self, story: &Story, now: Stamp) -> bool {
        self.told.get(story).is_none_or(|told| now.since(*told) >= REST)
    }

    /// When something was last lost for a cause.
    pub fn last_loss(&self, cause: Cause) -> Option<Stamp> {
        self.losses[cause as usize].1
    }

    /// The story that is to be told from now on, if it is another one than the present one.
    pub(super) fn next(&self, mut candidates: Vec<Story>, now: Stamp) -> Option<Story> {
        let Some(shown) = &self.shown else { return candidates.into_iter().max_by_key(Story::rank) };
        let held = now < shown.until;
        if held {
            candidates.retain(|story| story.rank() > shown.story.rank() && self.is_news(story, now));
        }
        let best = candidates.into_iter().enumerate().max_by_key(|(place, story)| {
            let told = if *story == shown.story { Some(now) } else { self.told.get(story).copied() };
            let news = told.is_none_or(|told| now.since(told) >= REST);
            // News by their rank; then what was not told for the longest time. Of two alike the first.
            let rank = news.then(|| story.rank());
            (rank, std::cmp::Reverse(told), std::cmp::Reverse(*place))
        });
        best.map(|(_, story)| story).filter(|story| *story != shown.story)
    }

    /// Tells a story from now on.
    pub(super) fn tell(&mut self, story: Story, now: Stamp, words: &str) {
        if let Some(before) = self.shown.take() {
            self.told.insert(before.story, now);
        }
        let until = now + if story == Story::Fallback { FALLBACK } else { reading_time(words) };
        self.shown = Some(Headline { story, since: now, until });
    }
}

/// How long words stand: [`SHORTEST`], or as long as reading takes.
fn reading_time(words: &str) -> Duration {
    SHORTEST.max(Duration::from_millis(words.chars().count() as u64 * 1000 / COLUMNS_PER_S))
}

/// The shortest life of a headline that nothing more important ends.
pub const SHORTEST: Duration = Duration::from_millis(2500);

/// How long it is said why there is no private network, and what would help: it is printed at the end, too.
const FALLBACK: Duration = Duration::from_secs(5);

/// Columns that a person reads in a second, while watching something else.
const COLUMNS_PER_S: u64 = 20;

/// How long a story that was told is no news.
const REST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// The stories of a director that is given these candidates every 50 ms, each with the milliseconds for which it stood.
    fn told(seconds: u64, candidates: impl Fn(u64) -> Vec<Story>) -> Vec<(Story, u64)> {
        let (mut director, mut lives) = (Director::default(), Vec::<(Story, u64)>::new());
        for millis in (0..seconds * 1000).step_by(50) {
            let now = Stamp::from_millis(millis);
            if let Some(story) = director.next(candidates(millis), now) {
                director.tell(story.clone(), now, "a sentence of fifty-five columns, read in 2.75 seconds.");
                lives.push((story, 0));
            }
            lives.last_mut().unwrap().1 += 50;
        }
        lives
    }

    const DROPPED: Story = Story::Dropped(Cause::SynAcceptQueueFull);

    fn verdict() -> Story {
        Story::Verdict("accept-too-slow".into())
    }

    #[test]
    fn a_story_is_held_for_as_long_as_it_takes_to_be_read() {
        let flicker = |millis: u64| vec![if millis.is_multiple_of(100) { Story::Depths } else { verdict() }];
        let lives = told(30, flicker);
        let whole = &lives[1..lives.len() - 1];
        assert!(whole.len() >= 8 && whole.iter().all(|(_, life)| *life >= 2750), "{lives:?}");
        assert_eq!(lives[0], (Story::Depths, 50), "a note makes way for a verdict");
    }

    #[test]
    fn a_drop_comes_at_once_and_what_it_means_comes_after_it() {
        let lives = told(20, |millis| match millis {
            0..4000 => vec![Story::Depths],
            _ => vec![DROPPED, verdict()],
        });
        let stories: Vec<_> = lives.iter().map(|(story, _)| story.clone()).collect();
        assert_eq!(stories[..4], [Story::Depths, DROPPED, verdict(), DROPPED]);
        assert_eq!((lives[0].1, lives[1].1), (4000, 2750));
    }

    #[test]
    fn what_was_told_a_moment_ago_interrupts_nothing() {
        // A drop every second: the verdict is read to its end nevertheless.
        let lives = told(30, |millis| if millis % 1000 < 100 { vec![DROPPED, verdict()] } else { vec![verdict()] });
        assert!(lives[1..lives.len() - 1].iter().all(|(_, life)| *life >= 2750), "{lives:?}");
    }
}
