//! `qviz watch --metrics`: answers scrapes from the world.

use std::task::{Context, Poll};

use crate::fold::world::World;
use crate::model::event::Event;
use crate::report::openmetrics::ScrapeState;
use crate::session::metrics::{ScrapeQueue, ScrapeRequest};

/// Answers scrapes from what is known.
pub(super) struct Metrics {
    scrapes: ScrapeQueue,
    /// Scrapes that are not answered yet.
    waiting: Vec<ScrapeRequest>,
    book: ScrapeState,
    /// The first snapshot of all listeners has come.
    has_snapshot: bool,
}

impl Metrics {
    /// Nothing is known yet.
    pub(super) fn new(scrapes: ScrapeQueue) -> Self {
        Self { scrapes, waiting: Vec::new(), book: ScrapeState::default(), has_snapshot: false }
    }

    /// Takes one fact. The first one that tells of the listeners answers the scrapes that came before it.
    pub(super) fn observe(&mut self, world: &World, event: &Event) {
        self.book.apply(world, event);
        self.has_snapshot |= matches!(event, Event::Snapshot(_) | Event::Tick);
        if self.has_snapshot && !self.waiting.is_empty() {
            self.answer(world);
        }
    }

    /// Ready when a scrape can be answered.
    pub(super) fn poll_asked(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(ask)) = self.scrapes.poll_next(context) {
            self.waiting.push(ask);
        }
        if self.has_snapshot && !self.waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Answers what waits: health without a page, so that the high-water marks stay for the next scrape. Scrapes that wait at the same
    /// time get the same marks.
    pub(super) fn answer(&mut self, world: &World) {
        let (scrapes, health): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(ScrapeRequest::wants_page);
        for ask in health {
            ask.answer(|_| String::new());
        }
        if scrapes.is_empty() {
            return;
        }
        let shot = self.book.snapshot(world);
        for ask in scrapes {
            ask.answer(|dialect| shot.text(dialect));
        }
    }
}
