//! Where we are and what is in force: address, what `listen()` gives, cookies, overflow, environment, recording, time, live or frozen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, text};
use crate::fold::reduced;
use crate::fold::world::World;
use crate::model::client_clock::ClientClock;
use crate::model::event::Environment;
use crate::model::settings::Sysctl;
use crate::say;
use crate::session::recording::record::RecordingStatus;
use crate::ui::hit_map::Target;
use crate::ui::keymap::Action;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, two_rows) = (scene.theme, area.height > 1);
    let right = standing(scene);
    let width: u16 = right.iter().map(|(text, _)| text::width(text)).sum();
    let room = area.width.saturating_sub(width + 1);
    let left = Rect { width: room, height: 1, ..area };
    if scene.state.frozen.is_some() && !two_rows {
        frozen(buf, left, scene);
    } else {
        in_short(buf, left, scene, two_rows);
    }
    text::pieces(buf, area, (area.width.saturating_sub(width), 0), &right);
    if !two_rows {
        return;
    }
    let below = Rect { y: area.y + 1, height: 1, ..area };
    if scene.state.frozen.is_some() {
        frozen(buf, below, scene);
        return;
    }
    let tempo = scene.world.tempo;
    let unusual = (tempo.held || tempo.pace < 1.0) && !scene.world.ended;
    let style = if unusual { theme.text(Meaning::Divergent) } else { theme.calm() };
    text::write(buf, below, (1, 0), &text::fit(&second(scene.world), area.width - 2), style);
}

/// Address, what `listen()` gives, and as many settings as fit.
fn in_short(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, two_rows: bool) {
    let (theme, world) = (scene.theme, scene.world);
    let address = world.began.as_ref().map_or_else(String::new, |began| began.address.to_string());
    let pieces = [(" qviz ", theme.strong()), (&address, Style::new()), ("  ", Style::new())];
    let col = text::pieces(buf, area, (0, 0), &pieces);
    let mut col = text::write(buf, area, (col, 0), &promise(world, scene.conceals()), theme.strong()) + 2;
    let mut pieces = [cookies(world), overflow(world), place(world, two_rows)];
    if world.is_reduced() {
        // What is not seen matters more than a setting.
        pieces.rotate_right(1);
    }
    for piece in pieces {
        let width = text::width(&piece);
        if !piece.is_empty() && col + width <= area.width {
            col = text::write(buf, area, (col, 0), &piece, Style::new()) + 2;
        }
    }
}

/// The recording, the time, and whether it is the present.
fn standing(scene: &Scene<'_>) -> Vec<(String, Style)> {
    let theme = scene.theme;
    let mut pieces = match scene.state.recording {
        Some(RecordingStatus::Running) => vec![(say!("● REC").to_owned(), theme.strong())],
        Some(RecordingStatus::Full) => vec![(say!("■ REC full").to_owned(), theme.strong())],
        Some(RecordingStatus::Failed) => vec![(say!(" ✗ REC failed ").to_owned(), theme.alarm())],
        None => Vec::new(),
    };
    if !pieces.is_empty() {
        pieces.push(("  ".to_owned(), Style::new()));
    }
    match &scene.state.frozen {
        Some(frozen) => {
            let held = say!(" ‖ FROZEN at {clock} ", clock = numbers::clock(frozen.at));
            pieces.push((held, theme.fill(Meaning::Divergent)));
        }
        None => pieces.push((progress(scene), theme.strong())),
    }
    pieces
}

/// What has happened since the moment that is held: as much of it as fits.
fn frozen(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (live, now) = scene.live;
    let sum = |world| reduced::drops(world).unwrap_or(0);
    let drops = sum(live).saturating_sub(sum(scene.world));
    let accepted = live.clients.accepted.saturating_sub(scene.world.clients.accepted);
    let (accepted, drops) = (numbers::count(accepted), numbers::count(drops));
    let what = if scene.state.replay.is_some() { say!("the replay") } else { say!("the run") };
    let goes = if live.ended { say!("is over") } else { say!("goes on") };
    let since = say!("{accepted} accepted, {drops} dropped since", accepted, drops);
    let clock = numbers::clock(now);
    let words = [
        say!(" {what} {goes} behind this held moment, now {clock}: {since} · f unfreezes ", what, goes, clock, since),
        say!(" {what} {goes}, now {clock}: {since} ", what, goes, clock, since),
        say!(" now {clock}: {since} ", clock, since),
        say!(" now: {since} ", since),
        say!(" +{accepted} accepted, +{drops} ✗ ", accepted, drops),
    ];
    let text = words.iter().find(|text| text::width(text) <= area.width).unwrap_or(&words[4]);
    let style = scene.theme.fill(Meaning::Divergent);
    text::write(buf, area, (0, 0), &" ".repeat(usize::from(area.width)), style);
    text::write(buf, area, (0, 0), text, style);
    scene.hit_map.borrow_mut().note(area, Target::Key(Action::Freeze));
}

/// The time, and whether it is the present.
pub(super) fn progress(scene: &Scene<'_>) -> String {
    let time = numbers::clock(scene.now);
    let tempo = match scene.world.tempo {
        _ if scene.world.ended => Some(say!("■ over").to_owned()),
        ClientClock { held: true, .. } => Some(say!("‖ STEP").to_owned()),
        ClientClock { pace: 1.0, .. } => None,
        ClientClock { pace, .. } => Some(format!("▶ {pace}×")),
    };
    if let Some(origin) = &scene.state.origin {
        let tempo = tempo.map_or_else(String::new, |tempo| format!("  {tempo}"));
        let (name, moment, end) = (text::fit(&origin.name, LONGEST_NAME), scene.now, origin.end);
        return say!("{name} at {moment} of {end}{tempo} ", name, moment, end, tempo);
    }
    let Some(replay) = &scene.state.replay else {
        return format!("{time}  {} ", tempo.unwrap_or_else(|| say!("▶ live").into()));
    };
    let mark = match (replay.is_over(), replay.paused) {
        (true, _) => "■",
        (false, true) => "‖",
        (false, false) => "▶",
    };
    let speed = f64::from(replay.tenths) / 10.0;
    // While stepping, the exact position shows how far a step has gone.
    let time = if replay.paused { replay.position.to_string() } else { time };
    say!("{time} of {end}  {sign} replay {speed}× ", time, end = numbers::clock(replay.end), sign = mark, speed)
}

/// Columns for the name of a recording.
const LONGEST_NAME: u16 = 24;

/// What `listen()` was asked for and what it gives.
pub(super) fn promise(world: &World, conceals: bool) -> String {
    let Some(listening) = world.listening else { return say!("not listening yet").into() };
    let asked = format!("listen({})", listening.backlog);
    if conceals {
        return asked;
    }
    let (Some(limit), Some(accept), Some(syn)) = (world.accept_limit(), world.accept_capacity(), world.syn_capacity())
    else {
        return asked;
    };
    if i64::from(limit) == i64::from(listening.backlog) {
        say!("{asked} → holds {syn} + {accept}", asked, syn, accept)
    } else {
        say!("{asked} → somaxconn {limit} → holds {syn} + {accept}", asked, limit, syn, accept)
    }
}

fn cookies(world: &World) -> String {
    match world.sysctls.value(Sysctl::Syncookies) {
        Some(0) => say!("cookies off").into(),
        Some(1) => say!("cookies on").into(),
        Some(2) => say!("cookies always").into(),
        Some(other) => say!("cookies {other}", other),
        None => String::new(),
    }
}

fn overflow(world: &World) -> String {
    match world.sysctls.value(Sysctl::AbortOnOverflow) {
        Some(0) => say!("overflow: silent").into(),
        Some(_) => say!("overflow: RST").into(),
        None => String::new(),
    }
}

fn place(world: &World, long: bool) -> String {
    match world.began.as_ref().map(|began| began.environment) {
        Some(Environment::Lab) if long => say!("private network").into(),
        Some(Environment::Lab) => say!("lab").into(),
        Some(Environment::Here) if long => say!("this network namespace").into(),
        Some(Environment::Here) => say!("here").into(),
        Some(Environment::Host) if world.is_reduced() => say!("reduced lab").into(),
        Some(Environment::Host) if long => say!("this host's loopback").into(),
        Some(Environment::Host) => say!("host").into(),
        None => String::new(),
    }
}

/// What keeps another time than usual, if anything does; then the settings in force.
fn second(world: &World) -> String {
    match world.tempo {
        _ if world.ended => in_force(world),
        ClientClock { held: true, .. } => step().into(),
        ClientClock { pace: 1.0, .. } => in_force(world),
        ClientClock { pace, .. } => {
            let rest = in_force(world);
            say!("SLOW {pace}× · clients and accept() · kernel timers run as ever · {rest}", pace, rest)
        }
    }
}

/// Step mode in one line.
fn step() -> &'static str {
    say!("client time paused · kernel timers run · n: next event · a: one accept() · t: resume time")
}

/// The settings that decide, here and, where they differ, on the host.
fn in_force(world: &World) -> String {
    let mut words = Vec::new();
    if let Some(knobs) = &world.knobs {
        words.push(say!("arrivals {rate}", rate = numbers::arrivals(knobs)));
        // On loopback there is none but the kernel's own.
        if world.began.as_ref().is_none_or(|began| began.environment != Environment::Host) {
            words.push(say!("round trip {time}", time = numbers::span(knobs.rtt)));
        }
        if knobs.half_open > 0.0 {
            let share = knobs.half_open * 100.0;
            words.push(say!("half-open {share} %", share = format_args!("{share:.0}")));
        }
    }
    let shown =
        [Sysctl::Somaxconn, Sysctl::Syncookies, Sysctl::MaxSynBacklog, Sysctl::SynRetries, Sysctl::SynackRetries];
    for sysctl in shown {
        let here = world.sysctls.value(sysctl);
        let host = world.began.as_ref().and_then(|began| began.host.value(sysctl));
        let name = sysctl.name().rsplit('.').next().unwrap_or_default().trim_start_matches("tcp_");
        let here_and_there = if host != here && host.is_some() {
            let (here, host) = (numbers::setting(here), numbers::setting(host));
            say!("{name} {here} (host {host})", name, here, host)
        } else {
            format!("{name} {}", numbers::setting(here))
        };
        words.push(here_and_there);
    }
    if let Some(began) = &world.began {
        words.push(format!("Linux {}", began.kernel));
    }
    words.join(" · ")
}
