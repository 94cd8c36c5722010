//! Where we are and what is in force: address, what `listen()` gives, cookies, overflow, rung, time, live or frozen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, ink};
use crate::model::event::Rung;
use crate::model::settings::Sysctl;
use crate::model::tempo::Tempo;
use crate::model::world::World;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, world) = (scene.theme, scene.world);
    let right = progress(scene);
    let room = area.width.saturating_sub(ink::width(&right) + 1);
    let left = Rect { width: room, height: 1, ..area };
    let address = world.began.as_ref().map_or_else(String::new, |began| began.address.to_string());
    let col =
        ink::pieces(buf, left, (0, 0), &[(" qviz ", theme.strong()), (&address, Style::new()), ("  ", Style::new())]);
    let col = ink::write(buf, left, (col, 0), &promise(world), theme.strong());
    let two_rows = area.height > 1;
    let more = [cookies(world), overflow(world), place(world, two_rows)];
    let mut col = col + 2;
    for piece in more {
        let width = ink::width(&piece);
        if !piece.is_empty() && col + width <= room {
            col = ink::write(buf, left, (col, 0), &piece, Style::new()) + 2;
        }
    }
    ink::right(buf, area, 0, &right, theme.strong());
    if two_rows {
        let unusual = (world.tempo.held || world.tempo.pace < 1.0) && !world.ended;
        let style = if unusual { theme.text(Meaning::Otherwise) } else { theme.calm() };
        ink::write(buf, area, (1, 1), &ink::fit(&second(world), area.width - 2), style);
    }
}

/// The time, and whether it is the present.
pub(super) fn progress(scene: &Scene<'_>) -> String {
    let time = numbers::clock(scene.now);
    let Some(replay) = &scene.state.replay else {
        let state = match scene.world.tempo {
            _ if scene.world.ended => "■ over".into(),
            Tempo { held: true, .. } => "‖ STEP".into(),
            Tempo { pace: 1.0, .. } => "▶ live".into(),
            Tempo { pace, .. } => format!("▶ {pace}×"),
        };
        return format!("{time}  {state} ");
    };
    let sign = match (replay.is_over(), replay.paused) {
        (true, _) => "■",
        (false, true) => "‖",
        (false, false) => "▶",
    };
    let speed = f64::from(replay.tenths) / 10.0;
    // Who steps wants to see how far a step has gone.
    let time = if replay.paused { replay.position.to_string() } else { time };
    format!("{time} of {}  {sign} replay {speed}× ", numbers::clock(replay.end))
}

/// What `listen()` was asked for and what it gives.
pub(super) fn promise(world: &World) -> String {
    let Some(listening) = world.listening else { return "not listening yet".into() };
    let asked = format!("listen({})", listening.backlog);
    let (Some(limit), Some(accept), Some(syn)) = (world.accept_limit(), world.accept_capacity(), world.syn_capacity())
    else {
        return asked;
    };
    if i64::from(limit) == i64::from(listening.backlog) {
        format!("{asked} → holds {syn} + {accept}")
    } else {
        format!("{asked} → somaxconn {limit} → holds {syn} + {accept}")
    }
}

fn cookies(world: &World) -> String {
    match world.sysctls.value(Sysctl::Syncookies) {
        Some(0) => "cookies off".into(),
        Some(1) => "cookies on".into(),
        Some(2) => "cookies always".into(),
        Some(other) => format!("cookies {other}"),
        None => String::new(),
    }
}

fn overflow(world: &World) -> String {
    match world.sysctls.value(Sysctl::AbortOnOverflow) {
        Some(0) => "overflow: silent".into(),
        Some(_) => "overflow: RST".into(),
        None => String::new(),
    }
}

fn place(world: &World, long: bool) -> String {
    match world.began.as_ref().map(|began| began.rung) {
        Some(Rung::Lab) if long => "private network".into(),
        Some(Rung::Lab) => "lab".into(),
        Some(Rung::Host) if long => "this host's loopback".into(),
        Some(Rung::Host) => "host".into(),
        None => String::new(),
    }
}

/// What keeps another time than usual, if anything does; then the settings in force.
fn second(world: &World) -> String {
    match world.tempo {
        _ if world.ended => in_force(world),
        Tempo { held: true, .. } => STEP.into(),
        Tempo { pace: 1.0, .. } => in_force(world),
        Tempo { pace, .. } => {
            format!("SLOW {pace}× · clients and accept() · kernel timers run as ever · {}", in_force(world))
        }
    }
}

/// Step mode in one line.
const STEP: &str = "STEP · clients' time stands still · kernel timers run · n: next thing · a: one accept() · t: go on";

/// The settings that decide, here and, where they differ, on the host.
fn in_force(world: &World) -> String {
    let mut words = Vec::new();
    if let Some(knobs) = &world.knobs {
        words.push(format!("arrivals {}", numbers::arrivals(knobs)));
        words.push(format!("round trip {}", numbers::span(knobs.rtt)));
        if knobs.half_open > 0.0 {
            words.push(format!("half-open {:.0} %", knobs.half_open * 100.0));
        }
    }
    let shown =
        [Sysctl::Somaxconn, Sysctl::Syncookies, Sysctl::MaxSynBacklog, Sysctl::SynRetries, Sysctl::SynackRetries];
    for sysctl in shown {
        let here = world.sysctls.value(sysctl);
        let host = world.began.as_ref().and_then(|began| began.host.value(sysctl));
        let name = sysctl.name().rsplit('.').next().unwrap_or_default().trim_start_matches("tcp_");
        let here_and_there = if host != here && host.is_some() {
            format!("{name} {} (host {})", numbers::setting(here), numbers::setting(host))
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
