//! The instant replay: the last moments of one client at a fifth of the speed, its ladder growing line by line, while the run goes on
//! behind. Pure: it holds a copy of the client and the moment at which it began.

use std::time::Duration;

use super::browse::{Chosen, as_chosen};
use crate::fold::connection::Connection;
use crate::fold::world::World;
use crate::model::stamp::Stamp;

/// The replay of one client.
#[derive(Clone, Debug)]
pub struct InstantReplay {
    /// The client as it was when the replay began.
    pub chosen: Chosen,
    /// When the replay began.
    began: Stamp,
    /// The moment of the run with which it begins.
    from: Stamp,
    /// The moment of the run with which it ends.
    until: Stamp,
}

impl InstantReplay {
    /// The replay of the client whose segment was dropped last, or of the one that is told of; `None` without a drop.
    pub fn of_newest_drop(world: &World, now: Stamp) -> Option<Self> {
        let told = world.headline.subject().and_then(|peer| world.connection(&peer));
        let newest = || world.roster.iter().filter(|one| one.last_drop.is_some()).max_by_key(|one| dropped(one));
        let connection = told.filter(|one| one.last_drop.is_some()).or_else(newest)?;
        let until = dropped(connection)? + AFTER;
        let from = until.saturating_sub(SPAN).max(connection.first_seen.saturating_sub(BEFORE));
        Some(Self { chosen: as_chosen(world, connection), began: now, from, until })
    }

    /// The moment of the run that is shown now.
    pub fn moment(&self, now: Stamp) -> Stamp {
        (self.from + now.since(self.began) / SLOWER).min(self.until)
    }

    /// True when all was shown, and its end for a moment.
    pub fn is_over(&self, now: Stamp) -> bool {
        now.since(self.began) > self.until.since(self.from) * SLOWER + LINGERS
    }
}

fn dropped(connection: &Connection) -> Option<Stamp> {
    connection.last_drop.map(|drop| drop.at)
}

/// How much of the run is shown again.
const SPAN: Duration = Duration::from_secs(2);

/// How much slower than it was.
const SLOWER: u32 = 5;

/// What is shown before the client's first segment.
const BEFORE: Duration = Duration::from_millis(20);

/// What is shown after its drop.
const AFTER: Duration = Duration::from_millis(40);

/// How long the end stays.
const LINGERS: Duration = Duration::from_secs(3);
