//! The floor: how many were dropped, the cause of the last death in large words, and the dead with their way back.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cast::is_fresh;
use super::super::large::{boxed, count, cut};
use super::super::letters::{Letter, is_partly_large};
use super::super::places::{self, QueueSlot, hue};
use super::super::stage::flows;
use super::super::{Scene, ink};
use super::plan::Plan;
use crate::fold::connection::{ClientSide, CombinedState, Connection, ServerSide};
use crate::fold::history::Slot;
use crate::model::cause::Cause;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    toll(buf, plan, scene);
    let said = words(scene);
    let theme = scene.theme;
    let line = if said.alarm { theme.text(Meaning::Dying) } else { theme.calm() };
    let inner = ink::frame(buf, plan.floor, (&said.title, theme.strong().patch(line)), ("", line), line);
    let (large, rest) = cut(inner, plan.words.rows());
    let letter = if said.alarm { plan.words } else { plan.words.min(Letter::Medium) };
    let marked = format!("✗ {}", said.text);
    let fits = |text: &str| letter.fitting(text, (large.width, large.height)) == letter;
    let text = if said.alarm && fits(&marked) { &marked } else { &said.text };
    let style = said.style.patch(theme.strong());
    if said.alarm && !fits(text) && !is_partly_large(text) {
        // Small letters are seen on a surface, large ones by themselves.
        scene.pen(letter, theme.alarm()).fit(buf, large, text);
    } else {
        scene.pen(letter, style).fit(buf, large, text);
    }
    if scene.state.density == Density::Cells {
        let dead = dead(scene);
        places::lay(buf, rest, plan.cell, &dead, scene);
    } else {
        by_cause(buf, rest, plan, scene);
    }
}

/// Drops so far, and in the last second.
fn toll(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let theme = scene.theme;
    let sum = scene.world.ledger.kernel_drops();
    let per_s = flows::rate(scene, Slot::kernel_drops);
    let line = if per_s > 0.0 { theme.text(Meaning::Dying) } else { theme.calm() };
    let inner = boxed(buf, plan.toll, scene, plan.text, (say!("DROPPED"), per_s > 0.0));
    let edge = Rect { y: plan.toll.bottom() - 1, height: 1, ..plan.toll };
    ink::write(
        buf,
        edge,
        (1, 0),
        &ink::fit(say!("last second"), edge.width.saturating_sub(2)),
        theme.strong().patch(line),
    );
    // The second number needs three rows, and a row between the two where there is one.
    let small = Letter::Small.rows();
    let apart = u16::from(inner.height > 2 * small);
    let (above, below) = cut(inner, plan.numbers.rows().min(inner.height.saturating_sub(small + apart)));
    let below = cut(below, apart).1;
    let style = if sum > 0 { theme.text(Meaning::Dying) } else { theme.strong() };
    count(buf, indent(above, sum), scene.pen(plan.numbers, style), ("", sum));
    let now = per_s.round() as u64;
    let style = if per_s > 0.0 { theme.text(Meaning::Dying) } else { theme.strong() };
    count(buf, indent(below, now), scene.pen(plan.numbers, style), ("+", now));
}

/// A column of air before a number that is not long.
fn indent(area: Rect, value: u64) -> Rect {
    let air = u16::from(value < 1000);
    Rect { x: area.x + air, width: area.width.saturating_sub(air), ..area }
}

/// What the floor says.
struct Said {
    title: String,
    text: String,
    style: Style,
    alarm: bool,
}

fn words(scene: &Scene<'_>) -> Said {
    death(scene).unwrap_or_else(|| calm(scene))
}

/// The last death, for as long as it is news; where there are no names, the cause of most deaths of the last second.
fn death(scene: &Scene<'_>) -> Option<Said> {
    let style = scene.theme.text(Meaning::Dying);
    if scene.state.density != Density::Cells {
        let cause = frequent(scene)?;
        let title = say!("✗ {rate} die now", rate = numbers::rate(flows::rate(scene, Slot::kernel_drops)));
        return Some(Said { title, text: large(cause).into(), style, alarm: true });
    }
    let cast = &scene.cast;
    let everyone = cast.dropped.iter().chain(&cast.otherwise).chain(&cast.lost);
    let fresh: Vec<_> = everyone.copied().filter(|one| is_fresh(one, scene.now)).collect();
    let last = fresh.iter().filter_map(|one| one.last_drop).max_by_key(|drop| drop.at)?;
    let same = fresh.iter().filter(|one| one.last_drop.is_some_and(|drop| drop.cause == last.cause));
    let names: Vec<_> = same.map(|one| one.label()).take(8).collect();
    let what = match last.cause {
        Cause::AckReset => say!("met a RST"),
        cause if cause.is_syn() => say!("SYN died, nobody is told"),
        Cause::AckAcceptQueueFull | Cause::AckCookieAcceptQueueFull => say!("ACK ignored, nobody is told"),
        _ => say!("gone"),
    };
    let title = say!("✗ {names}: {what}", names = names.join(" "), what);
    Some(Said { title, text: large(last.cause).into(), style, alarm: true })
}

/// The cause of most deaths of the last second.
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

/// A cause in words that are read from the last row.
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

/// Nobody has died just now: who is still outside.
fn calm(scene: &Scene<'_>) -> Said {
    let (theme, cast) = (scene.theme, &scene.cast);
    let next = cast.dropped.iter().filter_map(|one| one.retry).min_by_key(|retry| retry.at);
    let (title, text, style) = if let Some(next) = next {
        let left = numbers::countdown(next.at.since(scene.clients));
        let verb = match (next.gives_up, cast.dropped.len()) {
            (true, _) => say!("gives up"),
            (false, 1) => say!("tries again"),
            (false, _) => say!("try again"),
        };
        let dying = theme.text(Meaning::Dying);
        (
            say!("OUTSIDE: nobody has told them"),
            say!("{count} {verb}: {left}", count = cast.dropped.len(), verb, left),
            dying,
        )
    } else if !cast.otherwise.is_empty() {
        let style = theme.text(Meaning::Otherwise);
        let many = cast.otherwise.len();
        let text = if many == 1 { say!("1 ghost").into() } else { say!("{count} ghosts", count = many) };
        (say!("TWO TRUTHS: the client feels connected, the server does not"), text, style)
    } else if !cast.cookies.is_empty() {
        let style = theme.text(Meaning::Travelling);
        let many = cast.cookies.len();
        let text = if many == 1 { say!("1 cookie out").into() } else { say!("{count} cookies out", count = many) };
        (say!("COOKIES: answered, nothing kept"), text, style)
    } else if scene.world.ledger.kernel_drops() == 0 {
        (say!("OUTSIDE"), say!("nothing dropped").into(), theme.calm())
    } else {
        (say!("OUTSIDE"), say!("nobody waits outside").into(), theme.calm())
    };
    Said { title: title.into(), text, style, alarm: false }
}

/// Everybody who is outside, those who died a moment ago first.
fn dead(scene: &Scene<'_>) -> Vec<QueueSlot> {
    let cast = &scene.cast;
    let lists = [(&cast.dropped, None), (&cast.otherwise, Some("●")), (&cast.lost, None), (&cast.cookies, Some("¤"))];
    let everyone = lists.into_iter().flat_map(|(list, sign)| list.iter().map(move |one| (*one, sign)));
    everyone.map(|(one, sign)| tenant(one, sign, scene)).collect()
}

fn tenant(one: &Connection, sign: Option<&'static str>, scene: &Scene<'_>) -> QueueSlot {
    let fresh = is_fresh(one, scene.now);
    let edge = match one.belief() {
        CombinedState::Ghost | CombinedState::Phantom => Meaning::Otherwise,
        CombinedState::CookieOut => Meaning::Travelling,
        _ => Meaning::Dying,
    };
    let sign = sign.unwrap_or(match (one.client, one.server) {
        (ClientSide::Refused, _) | (_, ServerSide::ResetAway) => "↯",
        (ClientSide::TimedOut | ClientSide::Failed(_), _) | (_, ServerSide::Expired) => "⊘",
        (_, ServerSide::Pruned) => "⊖",
        _ => "✗",
    });
    let back = one.retry.map_or_else(String::new, |retry| numbers::countdown(retry.at.since(scene.clients)));
    QueueSlot {
        name: one.label(),
        age: back,
        sign,
        meaning: hue(one),
        edge,
        solid: true,
        new: fresh,
        target: Some(Target::of(one)),
    }
}

/// Too fast for names: each cause with its sum.
fn by_cause(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>) {
    let tolls = scene.world.ledger.lost_by_cause().filter(|(_, toll)| toll.segments > 0);
    let high = plan.text.rows() + u16::from(plan.text != Letter::Plain);
    for (index, (cause, toll)) in (0..area.height / high).zip(tolls) {
        let line = cut(Rect { y: area.y + index * high, ..area }, plan.text.rows()).0;
        let text = format!("×{:<5} {}", numbers::count(toll.segments), cause.words());
        scene.pen(plan.text, scene.theme.text(Meaning::Dying)).fit(buf, line, &text);
    }
}
