//! When a longer queue would be full again, where more clients come than are accepted.

use std::time::Duration;

use super::{ListenerContext, seconds};
use crate::fold::finding::actions::longer_backlog;
use crate::say;

/// A longer queue, and for how long it would have room.
#[derive(Clone, Copy, Debug)]
pub(super) struct FullAgain {
    backlog: u32,
    after: Duration,
    arrivals_per_s: f64,
}

/// With so much more arrivals than accepts the queue fills for certain: both rates are of the last seconds.
const CLEARLY: f64 = 1.2;

impl FullAgain {
    /// By the rates as they are now; `None` where one of them is unknown, and where they do not differ clearly. Clients that were dropped and come again
    /// are in neither of them: it is not longer than this.
    pub(super) fn of(context: &ListenerContext<'_>) -> Option<Self> {
        let (world, listener) = (context.world, context.listener);
        let arrivals_per_s = world.listeners.arrivals_per_s(listener)?;
        let accepts_per_s = world.drain_of(listener).filter(|drain| drain.exact)?.accepts_per_s;
        let backlog = longer_backlog(context);
        let room = f64::from(backlog.saturating_sub(listener.depth()));
        let after = Duration::try_from_secs_f64(room / (arrivals_per_s - accepts_per_s)).ok()?;
        (arrivals_per_s > accepts_per_s * CLEARLY).then_some(Self { backlog, after, arrivals_per_s })
    }

    pub(super) fn evidence(&self) -> [(&'static str, f64); 3] {
        [
            ("longer_backlog", self.backlog.into()),
            ("full_again_after_s", self.after.as_secs_f64()),
            ("arrivals_per_s", self.arrivals_per_s),
        ]
    }

    /// What a longer queue would do: `one of 1024 is full again after 68 s`.
    pub(super) fn words(self) -> String {
        say!(
            "one of {backlog} is full again after {after}, and accept() has to reach {rate}/s",
            backlog = self.backlog,
            after = seconds(self.after),
            rate = format_args!("{:.0}", self.arrivals_per_s.ceil())
        )
    }
}

/// The same where it is not known when.
pub(super) fn words_of(again: Option<FullAgain>) -> String {
    again.map_or_else(|| say!("a longer queue only makes clients wait longer").to_owned(), FullAgain::words)
}
