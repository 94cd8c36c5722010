//! The box of a queue at any size: its name, how many of how many, FULL where it is, its places, and what its entries wait for.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::letters::Letter;
use super::places::{self, Shape, SlotRow};
use super::{Scene, large, text};
use crate::fold::occupancy::Fullness;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// A queue as its box shows it.
pub(super) struct QueueBox {
    /// Its name, the longest first, with the kernel's word for the state.
    pub(super) names: [&'static str; 4],
    pub(super) places: SlotRow,
    /// Whether it is shown as full.
    pub(super) fullness: Fullness,
    /// The time of the entry that leaves next: how long it has waited, or when its timer runs out; or nothing.
    pub(super) next: String,
    /// What the entries wait for, in a few words, the longest first, and their style.
    pub(super) reason: (Vec<String>, Style),
    /// The most entries so far.
    pub(super) most: u32,
    /// For how long it has been full, if that is known.
    pub(super) full_for: Option<Duration>,
}

/// How large a box is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// The title. A box with a large one has it inside.
    pub(super) text: Letter,
    /// How many of how many; in the terminal's own letters they are on the frame.
    pub(super) numbers: Letter,
    /// The largest place of a connection.
    pub(super) place: Shape,
}

impl Scale {
    /// Nothing is large.
    pub(super) const USUAL: Self = Self { text: Letter::Plain, numbers: Letter::Plain, place: Shape::USUAL };
}

/// From this width on a title has room for when the queue was full.
const WIDE: u16 = 36;

/// The longest thing that is said of a queue that was full.
const LONG_AGO: Fullness = Fullness::WasFull(Duration::from_secs(9));

/// The names of the SYN queue.
pub(super) fn syn_names() -> [&'static str; 4] {
    [say!("SYN QUEUE · half-open, SYN_RCVD"), say!("SYN QUEUE · half-open"), say!("SYN QUEUE"), "SYN"]
}

/// The names of the accept queue.
pub(super) fn accept_names() -> [&'static str; 4] {
    [say!("ACCEPT QUEUE · finished, ESTABLISHED"), say!("ACCEPT QUEUE · finished"), say!("ACCEPT QUEUE"), "ACCEPT"]
}

/// A box of which there is nothing to show but a reason.
pub(super) fn empty(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, title: &str, text: &str) {
    let theme = scene.theme;
    let inner = text::frame(buf, area, (title, theme.strong()), ("", Style::new()), theme.calm());
    text::write(buf, inner, (0, inner.height / 2), &text::fit(text, inner.width), theme.calm());
}

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, scale: Scale, queue: &QueueBox) {
    if scale.numbers > Letter::Plain {
        return with_large_numbers(buf, area, scene, scale, queue);
    }
    let theme = scene.theme;
    let count = format!("{}/{}", queue.held(), queue.capacity());
    let shortest = text::width(queue.names[3]) + 4;
    let word = words_of(queue.fullness)
        .into_iter()
        .find(|word| shortest + text::width(&count) + text::width(word) <= area.width.saturating_sub(2));
    let depth = format!("{count}{}", word.unwrap_or_default());
    // A queue that is full again and again keeps its name.
    let ago = if queue.fullness.is_marked() && area.width >= WIDE { text::width(&numbers::full(LONG_AGO)) } else { 0 };
    let state_width = text::width(&depth).max(ago + text::width(&count));
    let fits = |name: &&&str| text::width(name) + state_width + 4 <= area.width.saturating_sub(2);
    let name = queue.names.iter().find(fits).unwrap_or(&queue.names[3]);
    let (state, line) = if queue.fullness.is_marked() {
        (theme.alarm(), theme.text(Meaning::Lost))
    } else {
        (theme.strong(), theme.calm())
    };
    let inner = text::frame(buf, area, (name, theme.strong()), (&depth, state), line);
    let room = Rect { height: inner.height.saturating_sub(2), ..inner };
    let row = places::paint(buf, room, scale.place, &queue.places, scene);
    // The limit on the left where newcomers press in, the oldest one's wait on the right where it leaves.
    beside(buf, text::padded(inner), row, (&queue.limit(), theme.calm()), (&queue.next, Style::new()));
    let words = text::padded(inner);
    text::write(buf, words, (0, row + 1), &queue.reason(words.width), queue.reason.1);
    // A label without a value says nothing.
    let most = if queue.most > 0 { say!("peak {count}", count = queue.most) } else { String::new() };
    let full_for = |time| say!("full for {time} in total", time = numbers::tenths(time));
    let full_for = queue.full_for.filter(|time| time.as_millis() >= 100).map_or_else(String::new, full_for);
    beside(buf, text::padded(inner), row + 2, (&most, theme.calm()), (&full_for, theme.calm()));
}

/// Behind the depth: that the queue is full or was, the longest first.
fn words_of(fullness: Fullness) -> Vec<String> {
    let whole = numbers::full(fullness);
    match fullness {
        Fullness::WasFull(_) => vec![whole, say!(" was FULL").into(), numbers::full(Fullness::Full)],
        _ => vec![whole],
    }
}

/// A text on the left of a row, and one on the right if both fit.
fn beside(buf: &mut Buffer, area: Rect, row: u16, (left, calm): (&str, Style), (right, style): (&str, Style)) {
    let col = text::write(buf, area, (0, row), left, calm);
    if row < area.height && col + 1 + text::width(right) <= area.width {
        text::right(buf, area, row, right, style);
    }
}

fn with_large_numbers(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, scale: Scale, queue: &QueueBox) {
    let (theme, full) = (scene.theme, queue.fullness.is_marked());
    let inner = large::boxed(buf, area, scene, scale.text, (queue.names[2], full));
    let (digits, rest) = large::cut(inner, scale.numbers.rows());
    let (held, capacity) = (queue.held(), queue.capacity());
    let depth = format!("{held}/{capacity}");
    let style = if full { theme.text(Meaning::Lost) } else { theme.strong() };
    let digits = Rect { x: digits.x + 1, width: digits.width.saturating_sub(1), ..digits };
    let large = scene.large_text(scale.numbers, style);
    let end = if scale.numbers.fitting(&depth, (digits.width, digits.height)) > Letter::Plain {
        large.fit(buf, digits, &depth)
    } else {
        // Both do not fit: the one that changes is the one that is large.
        let col = large.fit(buf, digits, &held) + 1;
        text::write(buf, digits, (col, digits.height / 2), &say!("of {capacity}", capacity), style)
    };
    if full {
        let now = queue.fullness == Fullness::Full;
        badge(buf, (digits, end), scene, scale, now);
    }
    let under = u16::from(scale.numbers == Letter::Small && rest.height > scale.place.height);
    places::paint(buf, Rect { height: rest.height - under, ..rest }, scale.place, &queue.places, scene);
    if under > 0 {
        let line = text::row(rest, rest.height - 1);
        let reason = full || queue.places.limit.is_none();
        let (text, style) = if reason {
            (queue.reason(line.width.saturating_sub(1)), queue.reason.1)
        } else {
            (queue.limit(), theme.calm())
        };
        text::write(buf, line, (1, 0), &text::fit(&text, line.width.saturating_sub(1)), style);
    }
}

/// FULL, or that it was a moment ago, at the right of the digits.
fn badge(buf: &mut Buffer, (digits, end): (Rect, u16), scene: &Scene<'_>, scale: Scale, now: bool) {
    let area = Rect { x: digits.x + end, width: digits.width.saturating_sub(end), ..digits };
    let most = if scale.numbers == Letter::Huge { Letter::Medium } else { Letter::Small };
    let word = if now { say!("FULL") } else { say!("WAS FULL") };
    let letter = most.fitting(word, (area.width.saturating_sub(3), area.height));
    let top = (area.height - letter.rows()) / 2;
    if letter == Letter::Plain {
        // Small letters are seen on a surface, large ones by themselves.
        let word = if now { say!(" FULL ") } else { say!(" was FULL ") };
        // Where the capacity stands in its way it is above that.
        let (area, top) = if text::width(word) > area.width { (digits, 0) } else { (area, top) };
        return text::right(buf, area, top, word, scene.theme.alarm());
    }
    let width = letter.width(word).unwrap_or(0) + 1;
    let badge_area = Rect::new(area.right() - width, area.y + top, width, letter.rows());
    scene.large_text(letter, scene.theme.text(Meaning::Lost)).write(buf, badge_area, (0, 0), word);
}

impl QueueBox {
    /// The reason in at most so many columns.
    fn reason(&self, columns: u16) -> String {
        let whole = self.reason.0.iter().find(|text| text::width(text) <= columns).or(self.reason.0.last());
        whole.map_or_else(String::new, |text| text::fit(text, columns))
    }

    fn held(&self) -> String {
        numbers::count(self.places.depth.into())
    }

    fn capacity(&self) -> String {
        self.places.capacity.map_or_else(|| numbers::UNKNOWN.into(), |capacity| numbers::count(capacity.into()))
    }

    fn limit(&self) -> String {
        match (self.places.limit, self.places.capacity) {
            (Some(limit), _) => say!("┃ limit {limit}", limit),
            (None, Some(capacity)) => say!("limit {capacity}", capacity),
            (None, None) => String::new(),
        }
    }
}
