//! Whoever looks on while a session is folded: an alarm, or a scraper that asks in between.

use std::task::{Context, Poll};

use crate::fold::world::World;
use crate::model::event::Stamped;

/// Receives each fact after the world has applied it.
pub trait EventObserver {
    /// One more fact.
    fn observe(&mut self, world: &World, fact: &Stamped);

    /// True when the run may end.
    fn is_done(&self) -> bool {
        false
    }

    /// Ready when somebody wants an [answer](Self::answer) now, whether a fact comes or not.
    fn poll_asked(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    /// Answers whoever asked.
    fn answer(&mut self, _world: &World) {}
}

/// Ignores every fact.
impl EventObserver for () {
    fn observe(&mut self, _: &World, _: &Stamped) {}
}

/// Waits until somebody asks the observer.
pub async fn asked(observer: &mut dyn EventObserver) {
    std::future::poll_fn(|context| observer.poll_asked(context)).await;
}
