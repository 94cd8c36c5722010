//! The floor: how many were dropped, the cause of the last drop in large letters, and the lost connections with their retries.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::large::{boxed, count, cut};
use super::super::letters::{Letter, is_partly_large};
use super::super::placement::is_fresh;
use super::super::places::{self, QueueSlot, hue};
use super::super::stage::flows;
use super::super::{Scene, text};
use super::plan::Plan;
use crate::fold::connection::{ClientSide, CombinedState, Connection, ServerSide};
use crate::fold::history::Slot;
use crate::fold::reduced;
use crate::model::cause::Cause;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    drop_totals(buf, plan, scene);
    let floor_text = words(scene);
    let theme = scene.theme;
    let line = if floor_text.alarm { theme.text(Meaning::Lost) } else { theme.calm() };
    let inner = text::frame(buf, plan.floor, (&floor_text.title, theme.strong().patch(line)), ("", line), line);
    let (large, rest) = cut(inner, plan.words.rows());
    let letter = if floor_text.alarm { plan.words } else { plan.words.min(Letter::Medium) };
    let marked = format!("✗ {}", floor_text.text);
    let fits = |text: &str| letter.fitting(text, (large.width, large.height)) == letter;
    let text = if floor_text.alarm && fits(&marked) { &marked } else { &floor_text.text };
    let style = floor_text.style.patch(theme.strong());
    if floor_text.alarm && !fits(text) && !is_partly_large(text) {
        // Small letters are seen on a surface, large ones by themselves.
        scene.large_text(letter, theme.alarm()).fit(buf, large, text);
    } else {
        scene.large_text(letter, style).fit(buf, large, text);
    }
    if scene.state.density == Density::Cells {
        let slots = lost_clients(scene);
        places::paint_from_left(buf, rest, plan.cell, &slots, scene);
    } else {
        by_cause(buf, rest, plan, scene);
    }
}

/// Drops so far, and in the last second.
fn drop_totals(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let theme = scene.theme;
    let sum = reduced::drops(scene.world).unwrap_or(0);
    let per_s = flows::rate(scene, Slot::kernel_drops);
    let line = if per_s > 0.0 { theme.text(Meaning::Lost) } else { theme.calm() };
    let inner = boxed(buf, plan.drop_totals, scene, plan.text, (say!("DROPPED"), per_s > 0.0));
    let edge = Rect { y: plan.drop_totals.bottom() - 1, height: 1, ..plan.drop_totals };
    text::write(
        buf,
        edge,
        (1, 0),
        &text::fit(say!("last second"), edge.width.saturating_sub(2)),
        theme.strong().patch(line),
    );
    // The second number needs three rows, and a row between the two where there is one.
    let small = Letter::Small.rows();
    let apart = u16::from(inner.height > 2 * small);
    let (above, below) = cut(inner, plan.numbers.rows().min(inner.height.saturating_sub(small + apart)));
    let below = cut(below, apart).1;
    let style = if sum > 0 { theme.text(Meaning::Lost) } else { theme.strong() };
    count(buf, indent(above, sum), scene.large_text(plan.numbers, style), ("", sum));
    let now = per_s.round() as u64;
    let style = if per_s > 0.0 { theme.text(Meaning::Lost) } else { theme.strong() };
    count(buf, indent(below, now), scene.large_text(plan.numbers, style), ("+", now));
}

/// A column of air before a number that is not long.
fn indent(area: Rect, value: u64) -> Rect {
    let air = u16::from(value < 1000);
    Rect { x: area.x + air, width: area.width.saturating_sub(air), ..area }
}

/// The text of the floor.
struct FloorText {
    title: String,
    text: String,
    style: Style,
    alarm: bool,
}

fn words(scene: &Scene<'_>) -> FloorText {
    recent_drop(scene).unwrap_or_else(|| calm(scene))
}

/// The last drop, for as long as it is fresh; where there are no names, the cause of most drops of the last second.
fn recent_drop(scene: &Scene<'_>) -> Option<FloorText> {
    let style = scene.theme.text(Meaning::Lost);
    if scene.state.density != Density::Cells {
        let cause = frequent(scene)?;
        let title = say!("✗ {rate} dropped now", rate = numbers::rate(flows::rate(scene, Slot::kernel_drops)));
        return Some(FloorText { title, text: large(cause).into(), style, alarm: true });
    }
    let placement = &scene.placement;
    let outside = placement.dropped.iter().chain(&placement.divergent).chain(&placement.lost);
    let fresh: Vec<_> = outside.copied().filter(|connection| is_fresh(connection, scene.now)).collect();
    let last = fresh.iter().filter_map(|connection| connection.last_drop).max_by_key(|drop| drop.at)?;
    let same = fresh.iter().filter(|connection| connection.last_drop.is_some_and(|drop| drop.cause == last.cause));
    let names: Vec<_> = same.map(|connection| connection.label()).take(8).collect();
    let what = match last.cause {
        Cause::AckReset => say!("received a RST"),
        cause if cause.is_syn() => say!("SYN dropped: no reply, no RST"),
        Cause::AckAcceptQueueFull | Cause::AckCookieAcceptQueueFull => say!("ACK ignored: no reply, no RST"),
        _ => say!("gone"),
    };
    let title = say!("✗ {names}: {what}", names = names.join(" "), what);
    Some(FloorText { title, text: large(last.cause).into(), style, alarm: true })
}

/// The cause of most drops of the last second.
fn frequent(scene: &Scene<'_>) -> Option<Cause> {
    let mut sums = [0_u32; Cause::ALL.len()];
    for slot in scene.world.history.last(11) {
        for (sum, drops) in sums.iter_mut().zip(slot.drops) {
            *sum += drops;
        }
    }
    let causes = Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop());
    causes.map(|cause| (sums[cause as usize], cause)).max().filter(|(sum, _)| *sum > 0).map(|(_, cause)| cause)
}

/// A cause in a few words for large letters.
fn large(cause: Cause) -> &'static str {
    match cause {
        Cause::SynAcceptQueueFull => say!("ACCEPT QUEUE FULL"),
        Cause::SynSynQueueFull => say!("SYN QUEUE FULL"),
        Cause::SynMaxSynBacklog => say!("3/4 RULE"),
        Cause::AckAcceptQueueFull => say!("ACK IGNORED"),
        Cause::AckCookieAcceptQueueFull => say!("COOKIE ACK LOST"),
        Cause::AckReset => say!("RESET"),
        Cause::RequestExpired => say!("NO ANSWER"),
        Cause::RequestPruned => say!("PUSHED OUT"),
        Cause::ClientLost => say!("LOST ON THE WAY"),
    }
}

/// No drop just now: which clients still wait for a retry.
fn calm(scene: &Scene<'_>) -> FloorText {
    let (theme, placement) = (scene.theme, &scene.placement);
    let next = placement.dropped.iter().filter_map(|connection| connection.retry).min_by_key(|retry| retry.at);
    let (title, text, style) = if scene.world.is_reduced() {
        let count = scene.world.roster.iter().filter(|one| reduced::is_connecting(one)).count();
        (say!("? SINGLE DROPS ARE NOT VISIBLE HERE: no packet tap"), say!("{count} connecting", count), theme.calm())
    } else if let Some(next) = next {
        let left = numbers::countdown(next.at.since(scene.clients_now));
        let verb = match (next.gives_up, placement.dropped.len()) {
            (true, _) => say!("gives up"),
            (false, 1) => say!("retries"),
            (false, _) => say!("retry"),
        };
        let lost = theme.text(Meaning::Lost);
        (
            say!("WAITING TO RETRY: no reply, no RST"),
            say!("{count} {verb}: {left}", count = placement.dropped.len(), verb, left),
            lost,
        )
    } else if !placement.divergent.is_empty() {
        let style = theme.text(Meaning::Divergent);
        let many = placement.divergent.len();
        let text = if many == 1 { say!("1 ghost").into() } else { say!("{count} ghosts", count = many) };
        (say!("CLIENT AND SERVER DISAGREE: connected here, not there"), text, style)
    } else if !placement.cookies.is_empty() {
        let style = theme.text(Meaning::Travelling);
        let many = placement.cookies.len();
        let text = if many == 1 { say!("1 cookie out").into() } else { say!("{count} cookies out", count = many) };
        (say!("COOKIES: answered, nothing kept"), text, style)
    } else if scene.world.ledger.kernel_drops() == 0 {
        (say!("RETRYING"), say!("nothing dropped").into(), theme.calm())
    } else {
        (say!("RETRYING"), say!("none waits to retry").into(), theme.calm())
    };
    FloorText { title: title.into(), text, style, alarm: false }
}

/// Every connection outside of the queues, those dropped a moment ago first.
fn lost_clients(scene: &Scene<'_>) -> Vec<QueueSlot> {
    let placement = &scene.placement;
    let lists = [
        (&placement.dropped, None),
        (&placement.divergent, Some("●")),
        (&placement.lost, None),
        (&placement.cookies, Some("¤")),
    ];
    let outside = lists.into_iter().flat_map(|(list, mark)| list.iter().map(move |connection| (*connection, mark)));
    outside.map(|(connection, mark)| slot(connection, mark, scene)).collect()
}

fn slot(connection: &Connection, mark: Option<&'static str>, scene: &Scene<'_>) -> QueueSlot {
    let fresh = is_fresh(connection, scene.now);
    let edge = match connection.belief() {
        CombinedState::Ghost | CombinedState::Phantom => Meaning::Divergent,
        CombinedState::CookieOut => Meaning::Travelling,
        _ => Meaning::Lost,
    };
    let mark = mark.unwrap_or(match (connection.client, connection.server) {
        (ClientSide::Refused, _) | (_, ServerSide::ResetAway) => "↯",
        (ClientSide::TimedOut | ClientSide::Failed(_), _) | (_, ServerSide::Expired) => "⊘",
        (_, ServerSide::Pruned) => "⊖",
        _ => "✗",
    });
    let back = connection.retry.map_or_else(String::new, |retry| numbers::countdown(retry.at.since(scene.clients_now)));
    QueueSlot {
        name: connection.label(),
        age: back,
        mark,
        meaning: hue(connection),
        edge,
        solid: true,
        new: fresh,
        target: Some(Target::of(connection)),
    }
}

/// Too fast for names: each cause with its sum.
fn by_cause(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>) {
    let counts = scene.world.ledger.lost_by_cause().filter(|(_, count)| count.segments > 0);
    let high = plan.text.rows() + u16::from(plan.text != Letter::Plain);
    for (index, (cause, count)) in (0..area.height / high).zip(counts) {
        let line = cut(Rect { y: area.y + index * high, ..area }, plan.text.rows()).0;
        let text = format!("×{:<5} {}", numbers::count(count.segments), cause.words());
        scene.large_text(plan.text, scene.theme.text(Meaning::Lost)).fit(buf, line, &text);
    }
}
