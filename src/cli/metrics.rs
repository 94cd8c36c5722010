//! `qviz watch --metrics`: the world on one side, those who scrape on the other.

use crate::fold::world::World;
use crate::model::event::Event;
use crate::report::openmetrics::ScrapeState;
use crate::session::metrics::ScrapeQueue;

/// Answers scrapes from what is known.
pub(super) struct Metrics {
    scrapes: ScrapeQueue,
    book: ScrapeState,
    /// The first look at all listeners has been told.
    looked: bool,
}

impl Metrics {
    /// Nothing is known yet.
    pub(super) fn new(scrapes: ScrapeQueue) -> Self {
        Self { scrapes, book: ScrapeState::default(), looked: false }
    }

    /// One more fact; those who have asked by now are answered. Facts come several times a second.
    pub(super) fn hear(&mut self, world: &World, event: &Event) {
        self.book.apply(world, event);
        self.looked |= matches!(event, Event::Snapshot(_) | Event::Tick);
        if !self.looked {
            return;
        }
        let Some(first) = self.scrapes.waiting() else { return };
        let shot = self.book.snapshot(world);
        first.answer(|dialect| shot.text(dialect));
        // All who ask at the same time see the same high-water marks.
        while let Some(ask) = self.scrapes.waiting() {
            ask.answer(|dialect| shot.text(dialect));
        }
    }
}
