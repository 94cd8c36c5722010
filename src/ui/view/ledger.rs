//! Losses by cause: packets and clients; and whether the kernel's counters agree.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, text};
use crate::fold::ledger::Balance;
use crate::fold::reduced;
use crate::model::cause::Cause;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::{Meaning, ascii};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let inner =
        text::frame(buf, area, (say!("LEDGER"), theme.strong()), (say!("packets clients"), theme.calm()), theme.calm());
    if inner.height == 0 {
        return;
    }
    let (mark, verdict, style) = verdict(scene, &scene.world.balance());
    let rows = inner.height - 1;
    let unseen = scene.world.is_reduced();
    let (lost, nothing): (Vec<_>, Vec<_>) =
        scene.world.ledger.lost_by_cause().partition(|(_, count)| count.segments > 0);
    for (row, (cause, count)) in (0..rows).zip(lost.into_iter().chain(nothing)) {
        let style = if count.segments == 0 { theme.calm() } else { Style::new() };
        let numbers = if unseen {
            format!("{:>5} {:>6}", "?", "?")
        } else {
            format!("{:>5} {:>6}", numbers::count(count.segments), numbers::count(count.clients))
        };
        let room = inner.width.saturating_sub(text::width(&numbers) + 1);
        text::write(buf, inner, (0, row), &text::fit(&ascii::written_out(words(cause), theme.ascii), room), style);
        text::right(buf, inner, row, &numbers, style);
    }
    let text = format!("{mark} {verdict}");
    text::write(buf, inner, (0, rows), &text::fit(&text, inner.width), style);
}

/// A cause in the words of a narrow row.
pub(super) fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::SynAcceptQueueFull => say!("SYN · accept queue full"),
        Cause::SynSynQueueFull => say!("SYN · SYN queue full"),
        Cause::SynMaxSynBacklog => say!("SYN · ¾ rule (max_syn_backlog)"),
        Cause::AckAcceptQueueFull => say!("ACK · queue full: ghost"),
        Cause::AckCookieAcceptQueueFull => say!("cookie · full: phantom"),
        Cause::AckReset => say!("ACK · answered with RST"),
        Cause::RequestExpired => say!("request · expired"),
        Cause::RequestPruned => say!("request · pruned"),
        Cause::ClientLost => say!("lost in the simulated network"),
    }
}

fn verdict(scene: &Scene<'_>, balance: &Balance) -> (&'static str, String, Style) {
    let theme = scene.theme;
    if let Some(count) = reduced::drops_without_cause(scene.world) {
        let words = say!("sk_drops {count}: cause not visible here", count = numbers::count(count));
        return ("?", words, if count > 0 { theme.text(Meaning::Lost) } else { theme.calm() });
    }
    match (balance.balanced, balance.unexplained.first()) {
        (Some(true), _) => ("✓", say!("balanced: every drop accounted for").into(), theme.text(Meaning::Served)),
        (_, Some(gap)) => {
            let (counter, kernel, named) = (&gap.counter, gap.kernel, gap.accounted);
            let text = say!("{counter}: kernel {kernel}, explained {named}", counter, kernel, named);
            ("✗", text, theme.text(Meaning::Divergent))
        }
        _ => ("–", balance.reason.unwrap_or(say!("cannot be decided")).into(), theme.calm()),
    }
}
