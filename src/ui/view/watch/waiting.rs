//! The queued connections and the half-open requests, one client per row.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::{names, queues};
use crate::model::sample::Waiting;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;

pub(super) fn in_accept_queue(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let theme = scene.theme;
    let depth = inside.listener.and_then(|listener| listener.reading.queue.depth).unwrap_or(0);
    let (waiting, reset) = queues::waiting(scene, inside, depth);
    let right = if depth > 0 { say!("the next one first") } else { "" };
    let inner = text::frame(buf, area, (say!("WHO WAITS"), theme.strong()), (right, theme.calm()), theme.calm());
    if inner.height == 0 {
        return;
    }
    if waiting.is_empty() && reset == 0 {
        return write_wrapped(buf, inner, scene, &why_empty(scene, inside, depth));
    }
    let mut body = inner;
    if reset > 0 {
        let text = if reset == 1 {
            say!("† 1 more is not listed: reset by the client, the place is kept").into()
        } else {
            say!("† {count} more are not listed: reset by the client, the place is kept", count = reset)
        };
        let last = inner.height - 1;
        text::write(buf, inner, (0, last), &text::fit(&text, inner.width), theme.text(Meaning::Lost));
        body.height = last;
    }
    let room = usize::from(body.height);
    let first = scene.state.watch.scroll.min(waiting.len().saturating_sub(room.max(1)));
    for (row, listener) in (0..body.height).zip(waiting.iter().skip(first)) {
        client(buf, Rect { y: body.y + row, height: 1, ..body }, scene, listener);
    }
}

/// Age, address, what it has sent already, and whether it is still there.
fn client(buf: &mut Buffer, line: Rect, scene: &Scene<'_>, client: &Waiting) {
    let theme = scene.theme;
    let (age, style) = match client.age_ms.map(|ms| Duration::from_millis(ms.into())) {
        Some(age) => (numbers::elapsed(age), theme.text(Meaning::Waiting(super::super::placement::shade(age)))),
        None => (format!("{:>8}", numbers::UNKNOWN), theme.calm()),
    };
    let sent = if client.bytes > 0 {
        say!("{count} B sent", count = numbers::count(client.bytes.into()))
    } else {
        String::new()
    };
    let state = match client.closed {
        true if line.width >= 60 => say!("† closed by its client"),
        true => say!("† closed"),
        false => "",
    };
    let right = [sent.as_str(), state].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let room = line.width.saturating_sub(12 + text::width(&right));
    let col = text::pieces(buf, line, (0, 0), &[(age, style), (" s ".to_owned(), theme.calm())]);
    text::write(buf, line, (col, 0), &names::shorten(&client.peer.to_string(), room), Style::new());
    text::right(buf, line, 0, &right, if client.closed { theme.text(Meaning::Lost) } else { Style::new() });
}

pub(super) fn half_open(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let theme = scene.theme;
    let requests = queues::half_open(scene, inside);
    let right = if requests.is_empty() { "" } else { say!("SYN-ACKs") };
    let inner = text::frame(buf, area, (say!("HALF-OPEN"), theme.strong()), (right, theme.calm()), theme.calm());
    if requests.is_empty() {
        let text = match inside.listener {
            _ if inside.is_unix() => say!("a unix socket has no handshake"),
            _ if inside.detailed => say!("none: every handshake is complete"),
            _ => say!("not visible for this listener"),
        };
        return write_wrapped(buf, inner, scene, text);
    }
    let most = scene.world.sysctls.value(crate::model::settings::Sysctl::SynackRetries);
    for (row, request) in (0..inner.height).zip(requests) {
        let next = numbers::countdown(Duration::from_millis(request.next_ms.into()));
        let last = most.is_some_and(|most| i64::from(request.retransmits) >= most);
        let count = u16::from(request.retransmits) + 1;
        let right = if last {
            say!("{count} sent, expires in {left}", count, left = next)
        } else {
            say!("{count} sent, next in {left}", count, left = next)
        };
        let room = inner.width.saturating_sub(text::width(&right) + 1);
        text::write(buf, inner, (0, row), &names::shorten(&request.peer.to_string(), room), Style::new());
        text::right(buf, inner, row, &right, theme.text(Meaning::Waiting(request.retransmits.min(3))));
    }
}

/// Why there is no list.
fn why_empty(scene: &Scene<'_>, inside: ChosenListener<'_>, depth: u32) -> String {
    let waiting = scene.world.listed.waiting.as_ref().filter(|_| inside.detailed);
    match waiting {
        _ if inside.is_unix() => {
            say!("the kernel does not list who waits at a unix socket; ss -xp shows its ends").into()
        }
        _ if depth == 0 && inside.detailed => say!("none").into(),
        None if !scene.state.live => other(scene),
        None => say!("asking the kernel …").into(),
        Some(_) => say!("none is listed just now").into(),
    }
}

/// A recording knows the clients of one listener at a time.
fn other(scene: &Scene<'_>) -> String {
    let listeners = &scene.world.listeners;
    match listeners.chosen.and_then(|id| listeners.by_id.get(&id)) {
        Some(listener) => {
            let address = &listener.reading.address;
            say!("this recording shows who waits only for {address}, the listener chosen then", address)
        }
        None => say!("this recording does not show who waits: no listener was chosen at this moment of it").into(),
    }
}

fn write_wrapped(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, text: &str) {
    for (row, line) in (0..area.height).zip(names::wrap(text, area.width, area.height)) {
        text::write(buf, area, (0, row), &line, scene.theme.calm());
    }
}
