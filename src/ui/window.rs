//! Which part of the history the timeline shows: how long a span, and until when. Pure; the width of the plot is passed in.

use std::time::Duration;

use crate::fold::history::{SLOT, SLOTS, number};
use crate::model::stamp::Stamp;

/// The spans that can be chosen, in slots: 10 s, 30 s, 1, 2, 5, 10, 30 and 60 minutes. Each is shown with whole columns, so that
/// on a given width it becomes a little longer.
const SPANS: [u64; 8] = [100, 300, 600, 1200, 3000, 6000, 18_000, SLOTS as u64];

/// The span at first: 30 s, in which a wave of clients is a hill that one can see.
const USUAL: usize = 1;

/// What the timeline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    span: usize,
    /// The moment at which it ends; `None`: now, whenever that is.
    until: Option<Stamp>,
}

impl Default for Window {
    fn default() -> Self {
        Self { span: USUAL, until: None }
    }
}

/// How columns and slots of the history go together; one of the two numbers is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnScale {
    /// Slots per column.
    pub slots: u64,
    /// Columns that one slot takes.
    pub columns: u16,
}

/// The history as far as it can be shown.
#[derive(Clone, Copy, Debug)]
pub struct HistorySpan {
    /// Since when it is kept.
    pub begins: Stamp,
    /// The present moment.
    pub now: Stamp,
    /// Columns of the plot.
    pub width: u16,
}

impl Window {
    /// The grain on a plot of so many columns.
    pub const fn grain(self, width: u16) -> ColumnScale {
        let (width, slots) = (if width == 0 { 1 } else { width as u64 }, SPANS[self.span]);
        if slots <= width {
            ColumnScale { slots: 1, columns: (width / slots) as u16 }
        } else {
            ColumnScale { slots: slots.div_ceil(width), columns: 1 }
        }
    }

    /// The time that a plot of so many columns shows.
    pub fn span(self, width: u16) -> Duration {
        self.grain(width).span(width)
    }

    /// The moment at which it ends, if that is not now.
    pub const fn until(self) -> Option<Stamp> {
        self.until
    }

    /// A shorter or a longer span; false when there is none.
    pub(super) fn zoom(&mut self, closer: bool, reach: HistorySpan) -> bool {
        let next = if closer { self.span.checked_sub(1) } else { Some(self.span + 1) };
        let Some(next) = next.filter(|next| *next < SPANS.len()) else { return false };
        self.span = next;
        self.keep(reach);
        true
    }

    /// Half a window back in time; false when nothing earlier is kept.
    pub(super) fn earlier(&mut self, reach: HistorySpan) -> bool {
        let before = self.until;
        let half = self.span(reach.width) / 2;
        self.until = Some(self.until.unwrap_or(reach.now).saturating_sub(half));
        self.keep(reach);
        self.until != before
    }

    /// Half a window forth in time, at most to now; false when it is there.
    pub(super) fn later(&mut self, reach: HistorySpan) -> bool {
        let before = self.until.take();
        self.until = before.map(|until| until + self.span(reach.width) / 2);
        self.keep(reach);
        before.is_some()
    }

    /// Back to now.
    pub(super) const fn return_to_now(&mut self) {
        self.until = None;
    }

    /// Stays within what is kept while the oldest goes, and within what has been while a replay goes back.
    pub(super) fn keep(&mut self, reach: HistorySpan) {
        let grain = self.grain(reach.width);
        let earliest = grain.begins(grain.group(reach.begins)) + grain.span(reach.width);
        self.until = self.until.map(|until| until.max(earliest)).filter(|until| *until < reach.now);
    }
}

impl ColumnScale {
    /// The time that so many columns show.
    pub fn span(self, width: u16) -> Duration {
        let slots = u64::from(width) / u64::from(self.columns) * self.slots;
        SLOT * u32::try_from(slots).unwrap_or(u32::MAX)
    }

    /// The number of the group of slots that contains a moment; one group is one column, or several equal ones.
    pub const fn group(self, at: Stamp) -> u64 {
        number(at) / self.slots
    }

    /// When a group of slots begins.
    pub fn begins(self, group: u64) -> Stamp {
        Stamp::from_nanos(group.saturating_mul(self.slots).saturating_mul(SLOT.as_nanos() as u64))
    }

    /// The columns that a span of time takes.
    pub const fn columns_of(self, span: Duration) -> u64 {
        (span.as_nanos() / SLOT.as_nanos()) as u64 * self.columns as u64 / self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(now: u64) -> HistorySpan {
        HistorySpan { begins: Stamp::ZERO, now: Stamp::from_millis(now * 1000), width: 100 }
    }

    #[test]
    fn each_zoom_shows_more_than_the_one_before_at_every_width() {
        for width in 1..700 {
            let spans: Vec<_> = (0..SPANS.len()).map(|span| Window { span, until: None }.span(width)).collect();
            assert!(spans.is_sorted_by(|a, b| a < b) || !(2..=600).contains(&width), "{width}: {spans:?}");
            for (span, slots) in spans.iter().zip(SPANS) {
                assert!(*span + SLOT > SLOT * slots as u32 * 9 / 10, "{width}: {span:?} for {slots} slots");
            }
        }
    }

    #[test]
    fn the_longest_window_holds_all_that_is_kept() {
        for width in [1, 46, 66, 106, 186, 286] {
            assert!(Window { span: SPANS.len() - 1, until: None }.span(width) >= SLOT * SLOTS as u32);
        }
    }

    #[test]
    fn the_past_ends_at_the_beginning_and_the_future_at_now() {
        let mut window = Window::default();
        assert!(!window.earlier(reach(20)), "all of it is shown");
        assert!(window.earlier(reach(100)));
        assert_eq!(window.until(), Some(Stamp::from_millis(85_000)));
        while window.earlier(reach(100)) {}
        assert_eq!(window.until(), Some(Stamp::from_millis(30_000)), "the first column is the beginning");
        while window.later(reach(100)) {}
        assert_eq!(window.until(), None);
    }

    #[test]
    fn a_look_at_the_past_stands_still_until_that_past_is_kept_no_more() {
        let mut window = Window::default();
        window.earlier(reach(100));
        window.keep(reach(1000));
        assert_eq!(window.until(), Some(Stamp::from_millis(85_000)));
        window.keep(HistorySpan { begins: Stamp::from_millis(900_000), ..reach(5000) });
        assert_eq!(window.until(), Some(Stamp::from_millis(930_000)));
        window.keep(reach(40));
        assert_eq!(window.until(), None, "a replay went back before it");
    }

    #[test]
    fn a_longer_span_does_not_leave_the_past_unless_it_reaches_now() {
        let mut window = Window::default();
        window.earlier(reach(100));
        assert!(window.zoom(false, reach(100)));
        assert_eq!(window.until(), Some(Stamp::from_millis(85_000)));
        assert!(window.zoom(false, reach(100)));
        assert_eq!(window.until(), None);
        assert!((0..4).filter(|_| window.zoom(true, reach(100))).count() == 3, "down to ten seconds");
    }
}
