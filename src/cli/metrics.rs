//! `qviz watch --metrics`: answers scrapes from the world.

use crate::fold::world::World;
use crate::model::event::Event;
use crate::report::openmetrics::ScrapeState;
use crate::session::metrics::ScrapeQueue;

/// Answers scrapes from what is known.
pub(super) struct Metrics {
    scrapes: ScrapeQueue,
    book: ScrapeState,
    /// The first snapshot of all listeners has come.
    has_snapshot: bool,
}

impl Metrics {
    /// Nothing is known yet.
    pub(super) fn new(scrapes: ScrapeQueue) -> Self {
        Self { scrapes, book: ScrapeState::default(), has_snapshot: false }
    }

    /// Takes one fact and answers the scrapes that wait. Facts come several times a second.
    pub(super) fn observe(&mut self, world: &World, event: &Event) {
        self.book.apply(world, event);
        self.has_snapshot |= matches!(event, Event::Snapshot(_) | Event::Tick);
        if !self.has_snapshot {
            return;
        }
        let Some(first) = self.scrapes.waiting() else { return };
        let shot = self.book.snapshot(world);
        first.answer(|dialect| shot.text(dialect));
        // Scrapes that wait at the same time get the same high-water marks.
        while let Some(ask) = self.scrapes.waiting() {
            ask.answer(|dialect| shot.text(dialect));
        }
    }
}
