//! Worlds of a replay that are kept to go back to: seeking folds the facts between the nearest one and the requested moment, and not
//! everything from the beginning. Their number and size are bounded, whatever the recording's length.

use crate::fold::connection::Connection;
use crate::fold::history::Slot;
use crate::fold::world::World;
use crate::session::recording::playback::Bookmark;

/// Kept worlds, in the order of the recording.
#[derive(Debug)]
pub(super) struct Bookmarks {
    places: Vec<Bookmark>,
    worlds: Vec<World>,
    /// The least number of facts between two.
    stride: u64,
}

impl Default for Bookmarks {
    fn default() -> Self {
        Self { places: Vec::new(), worlds: Vec::new(), stride: FIRST_STRIDE }
    }
}

impl Bookmarks {
    /// Keeps the world as it is here if it is far enough from the last one that is kept.
    pub(super) fn pass(&mut self, here: Bookmark, world: &World) {
        let last = self.places.last().map_or(0, Bookmark::facts);
        if here.facts() < last + self.stride {
            return;
        }
        self.places.push(here);
        self.worlds.push(world.clone());
        if self.worlds.len() > MOST || self.worlds.iter().map(weight).sum::<usize>() > MOST_BYTES {
            self.thin();
        }
    }

    /// Where one can go back to.
    pub(super) fn places(&self) -> &[Bookmark] {
        &self.places
    }

    /// The world at the place of this number.
    pub(super) fn world(&self, index: usize) -> Option<World> {
        self.worlds.get(index).cloned()
    }

    /// Drops every second world and doubles the distance between future ones.
    fn thin(&mut self) {
        let mut keep = [false, true].into_iter().cycle();
        self.places.retain(|_| keep.next() == Some(true));
        let mut keep = [false, true].into_iter().cycle();
        self.worlds.retain(|_| keep.next() == Some(true));
        self.stride *= 2;
    }
}

/// Facts between two worlds at first: what is folded at once without being felt.
const FIRST_STRIDE: u64 = 20_000;

/// How many worlds are kept.
const MOST: usize = 32;

/// About how many bytes they may take in all.
const MOST_BYTES: usize = 48 << 20;

/// About how many bytes a world takes: what grows with time and load, and what does not.
fn weight(world: &World) -> usize {
    const REST: usize = 256 << 10;
    REST + world.history.slots().len() * size_of::<Slot>() + world.roster.count() * 2 * size_of::<Connection>()
}
