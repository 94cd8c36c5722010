//! The two boxes in which connections wait: their places, how full they are, and what holds them up.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cast::{ARRIVAL, shade};
use super::super::spots::Target;
use super::super::{Scene, ink, lesson};
use super::line;
use super::slots::{self, Places, Tenant};
use crate::fold::connection::{Belief, ClientSide, Connection};
use crate::fold::occupancy::Occupancy;
use crate::model::queue::SynRule;
use crate::model::settings::{AcceptRate, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

/// One box.
struct Queue<'t> {
    /// Its name, the longest first, with the kernel's word for the state.
    names: [&'static str; 3],
    occupancy: &'t Occupancy,
    places: Places<'t>,
    /// Since when the oldest one waits.
    oldest: Option<Stamp>,
    /// What holds them up, in a few words, and how it is shown.
    reason: (String, Style),
}

pub(super) fn syn(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let tenants: Vec<_> = scene.cast.half_open.iter().map(|one| tenant(one, one.server_since, scene)).collect();
    let (world, limit) = (scene.world, scene.world.accept_limit());
    let marked = limit.filter(|_| world.syn_rule == SynRule::Above);
    let queue = Queue {
        names: [say!("SYN QUEUE · half-open, SYN_RCVD"), say!("SYN QUEUE · half-open"), say!("SYN QUEUE")],
        occupancy: &world.syn_queue,
        places: Places {
            tenants: &tenants,
            depth: world.syn_queue.depth(),
            capacity: world.syn_capacity(),
            limit: marked,
        },
        oldest: scene.cast.half_open.first().map(|one| one.server_since),
        reason: syn_reason(scene),
    };
    paint(buf, area, scene, &queue);
}

pub(super) fn accept(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let since = |one: &Connection| one.queued_at.unwrap_or(one.server_since);
    let tenants: Vec<_> = scene.cast.queued.iter().map(|one| tenant(one, since(one), scene)).collect();
    let world = scene.world;
    let queue = Queue {
        names: [say!("ACCEPT QUEUE · finished, ESTABLISHED"), say!("ACCEPT QUEUE · finished"), say!("ACCEPT QUEUE")],
        occupancy: &world.accept_queue,
        places: Places {
            tenants: &tenants,
            depth: world.accept_queue.depth(),
            capacity: world.accept_capacity(),
            limit: world.accept_limit(),
        },
        oldest: scene.cast.queued.first().map(|one| since(one)),
        reason: accept_reason(scene),
    };
    paint(buf, area, scene, &queue);
}

fn tenant(one: &Connection, since: Stamp, scene: &Scene<'_>) -> Tenant {
    let waited = scene.now.since(since);
    let waiting = Meaning::Waiting(shade(waited));
    let (sign, meaning, solid) = match one.belief() {
        Belief::Ghost => ("◌", Meaning::Otherwise, false),
        Belief::DeadInQueue => ("†", Meaning::Dying, false),
        _ if one.client == ClientSide::Vanished => ("⊘", waiting, true),
        _ => ("", waiting, true),
    };
    let named = scene.state.density == Density::Cells;
    Tenant {
        name: if named { one.label() } else { "■".into() },
        age: if named { numbers::span4(waited) } else { "────".into() },
        sign,
        meaning,
        edge: meaning,
        solid,
        target: Some(Target::Connection(one.peer, one.id)),
        new: named && scene.now.since(one.server_since) < ARRIVAL,
    }
}

fn syn_reason(scene: &Scene<'_>) -> (String, Style) {
    let (theme, world) = (scene.theme, scene.world);
    let ghosts = scene.cast.half_open.iter().filter(|one| one.belief() == Belief::Ghost).count();
    let silent = scene.cast.half_open.iter().filter(|one| one.client == ClientSide::Vanished).count();
    if world.syn_queue.is_full() {
        full_syn_queue(scene)
    } else if ghosts > 0 {
        (say!("◌ {ghosts} ignored ACK: ghost", ghosts), theme.text(Meaning::Otherwise))
    } else if silent > 0 {
        (say!("⊘ {silent} will never answer", silent), theme.text(Meaning::Waiting(3)))
    } else {
        (say!("wait for the final ACK").into(), theme.calm())
    }
}

fn accept_reason(scene: &Scene<'_>) -> (String, Style) {
    let (theme, world) = (scene.theme, scene.world);
    let dead = scene.cast.queued.iter().filter(|one| one.belief() == Belief::DeadInQueue).count();
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    if world.accept_queue.is_full() {
        full_accept_queue(scene)
    } else if dead > 0 {
        (say!("† {dead} dead, holding places", dead), theme.text(Meaning::Dying))
    } else if paused {
        (say!("‖ nobody calls accept()").into(), theme.text(Meaning::Waiting(3)))
    } else {
        (say!("wait for accept()").into(), theme.calm())
    }
}

/// What becomes of those who come while the accept queue is full. While a lesson asks what will happen it is not told.
pub(in crate::ui::view) fn full_accept_queue(scene: &Scene<'_>) -> (String, Style) {
    let resets = scene.world.sysctls.value(Sysctl::AbortOnOverflow).is_some_and(|value| value != 0);
    let text = match resets {
        _ if lesson::asks(scene) => say!("FULL"),
        true => say!("FULL: SYNs die, ACKs get RST"),
        false => say!("FULL: SYNs and ACKs die"),
    };
    (text.into(), scene.theme.text(Meaning::Dying))
}

/// The same of a full SYN queue.
pub(in crate::ui::view) fn full_syn_queue(scene: &Scene<'_>) -> (String, Style) {
    let (dying, waiting) = (scene.theme.text(Meaning::Dying), scene.theme.text(Meaning::Waiting(3)));
    match scene.world.sysctls.value(Sysctl::Syncookies) {
        _ if lesson::asks(scene) => (say!("FULL").into(), waiting),
        Some(0) => (say!("FULL: new SYNs die").into(), dying),
        _ => (say!("¤ FULL: cookies go out").into(), waiting),
    }
}

fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, queue: &Queue<'_>) {
    let (theme, full) = (scene.theme, queue.occupancy.is_full());
    let capacity = queue.places.capacity.map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
    let depth = format!("{}/{capacity}{}", queue.occupancy.depth(), if full { say!(" FULL") } else { "" });
    let fits = |name: &&&str| ink::width(name) + ink::width(&depth) + 4 <= area.width.saturating_sub(2);
    let name = queue.names.iter().find(fits).unwrap_or(&queue.names[2]);
    let state = if full { theme.alarm() } else { theme.strong() };
    let inner = ink::frame(buf, area, (name, theme.strong()), (&depth, state), line(scene, full));
    let cells = Rect { height: inner.height.saturating_sub(2), ..inner };
    let mut row = slots::paint(buf, cells, queue.places, scene);
    below(buf, inner, row, scene, queue);
    row += 2;
    if inner.height > row {
        statistics(buf, inner, row, scene, queue);
    }
}

/// The limit on the left where newcomers press in, the oldest one's wait on the right where it leaves.
fn below(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, queue: &Queue<'_>) {
    let theme = scene.theme;
    let limit = match (queue.places.limit, queue.places.capacity) {
        (Some(limit), _) => say!("┃ limit {limit}", limit),
        (None, Some(capacity)) => say!("limit {capacity}", capacity),
        (None, None) => String::new(),
    };
    let col = ink::write(buf, inner, (0, row), &limit, theme.calm());
    if let Some(since) = queue.oldest {
        let text = say!("oldest {age}", age = numbers::span4(scene.now.since(since)));
        if col + 1 + ink::width(&text) <= inner.width {
            ink::right(buf, inner, row, &text, Style::new());
        }
    }
    let (text, style) = &queue.reason;
    ink::write(buf, inner, (0, row + 1), &ink::fit(text, inner.width), *style);
}

fn statistics(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, queue: &Queue<'_>) {
    let (now, calm) = (scene.now, scene.theme.calm());
    let most = say!("most so far {count}", count = queue.occupancy.max());
    let col = ink::write(buf, inner, (0, row), &most, calm);
    let full = say!("full for {time}", time = numbers::span4(queue.occupancy.full(now)).trim());
    if col + 2 + ink::width(&full) <= inner.width {
        ink::right(buf, inner, row, &full, calm);
    }
}
