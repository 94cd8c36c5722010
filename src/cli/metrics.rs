//! `qviz watch --metrics`: answers scrapes from the world.

use std::task::{Context, Poll};

use super::exit::Failure;
use super::output;
use super::plan::Form;
use crate::fold::world::World;
use crate::model::event::Event;
use crate::report::openmetrics::ScrapeState;
use crate::say;
use crate::session::metrics::{MetricsListener, ScrapeError, ScrapeQueue, ScrapeRequest};

/// Answers scrapes from what is known.
pub(super) struct Metrics {
    scrapes: ScrapeQueue,
    /// Scrapes that are not answered yet.
    waiting: Vec<ScrapeRequest>,
    book: ScrapeState,
    /// The first snapshot of all listeners has come.
    has_snapshot: bool,
    /// Nobody can ask any more.
    is_over: bool,
}

impl Metrics {
    /// Nothing is known yet.
    pub(super) fn new(scrapes: ScrapeQueue) -> Self {
        Self { scrapes, waiting: Vec::new(), book: ScrapeState::default(), has_snapshot: false, is_over: false }
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
        while let Poll::Ready(asked) = self.scrapes.poll_next(context) {
            let Some(ask) = asked else {
                self.is_over = true;
                break;
            };
            self.waiting.push(ask);
        }
        if self.has_snapshot && !self.waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// True when nobody can ask any more: who asked through a pipe has closed it.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Answers what waits: health without a page, so that the high-water marks stay for the next scrape. Scrapes that wait at the same
    /// time get the same marks.
    pub(super) fn answer(&mut self, world: &World) {
        let (scrapes, health): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|ask| ask.format().is_some());
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

/// Begins to serve metrics and says where.
pub(super) fn open(listener: MetricsListener, form: Form) -> Result<ScrapeQueue, Failure> {
    let address = listener.address();
    if form != Form::Picture {
        let remark = say!("metrics at http://{address}/metrics", address);
        output::report(say!("note: {remark}", remark));
    }
    if !address.ip().is_loopback() {
        let remark = say!(
            "whoever reaches {address} can read which addresses are listened on here, and how full they are",
            address
        );
        output::report(say!("note: {remark}", remark));
    }
    listener.serve().map_err(|error| failure(&error))
}

/// The address for metrics cannot be had.
pub(super) fn failure(error: &ScrapeError) -> Failure {
    Failure::new(error.to_string(), error.hint())
}
