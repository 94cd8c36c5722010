//! What will happen next to one connection, in words.

use crate::fold::connection::{ClientSide, CombinedState, Connection, ServerSide};
use crate::fold::world::World;
use crate::fold::world::next_steps::NextSteps;
use crate::model::client_clock::ClientClock;
use crate::model::segment::Kind;
use crate::model::settings::AcceptRate;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::words::segment_name;
use crate::ui::browse::Chosen;
use crate::ui::numbers;

/// Everything that is known of its future, in one or two lines.
pub(in crate::ui::view) fn whole(chosen: &Chosen, world: &World, now: Stamp) -> String {
    let Chosen { connection, next_steps, before, gone } = chosen;
    if gone.is_some() || connection.is_over() && connection.client.is_over() {
        return say!("nothing: closed").into();
    }
    let mut words = Vec::new();
    let clients = world.tempo.at(now);
    if let Some(travel) = next_steps.coming.filter(|travel| travel.arrives > clients) {
        let left = numbers::countdown(travel.arrives.since(clients));
        words.push(say!("its {segment} arrives in {left}", segment = segment_name(travel.kind), left));
    }
    words.extend(server(chosen, world, now));
    words.extend(client(connection, next_steps, (world.tempo, clients)));
    words.retain(|text| !text.is_empty());
    if let Some(before) = before {
        words.push(turn(*before, connection, world));
    }
    if words.is_empty() {
        words.push(say!("nothing that a timer would bring about").into());
    }
    words.join(" · ")
}

/// The next timer alone.
pub(in crate::ui::view) fn in_short(
    connection: &Connection,
    next_steps: &NextSteps,
    (now, clients): (Stamp, Stamp),
) -> String {
    let retry = next_steps.retry.map(|retry| {
        let what = if retry.gives_up { say!("gives up") } else { again(connection) };
        (retry.at.since(clients), what)
    });
    let syn_ack = next_steps.syn_ack.map(|at| (at.since(now), "SYN-ACK"));
    let expires =
        next_steps.expires.filter(|_| next_steps.syn_ack.is_none()).map(|at| (at.since(now), say!("expires")));
    let next = [retry, syn_ack, expires].into_iter().flatten().min_by_key(|(left, _)| *left);
    next.map(|(left, what)| format!("{what} {}", numbers::countdown(left))).unwrap_or_default()
}

fn again(connection: &Connection) -> &'static str {
    if matches!(connection.client, ClientSide::SynSent) { say!("SYN again") } else { say!("data again") }
}

fn client(connection: &Connection, next_steps: &NextSteps, (tempo, now): (ClientClock, Stamp)) -> Option<String> {
    let retry = next_steps.retry?;
    let left = numbers::countdown(retry.at.since(now));
    if retry.gives_up {
        return Some(say!("client gives up in {left} (ETIMEDOUT)", left));
    }
    let end = next_steps.gives_up.map_or_else(String::new, |at| {
        if tempo == ClientClock::default() {
            say!("; gives up at about {seconds} s", seconds = at.since(connection.first_seen).as_secs())
        } else {
            say!("; gives up about {seconds} s from now", seconds = at.since(now).as_secs())
        }
    });
    Some(say!("client: {what} in {left}{end}", what = again(connection), left, end))
}

fn server(chosen: &Chosen, world: &World, now: Stamp) -> Option<String> {
    let Chosen { connection, next_steps, .. } = chosen;
    match connection.server {
        ServerSide::HalfOpen => Some(request(connection, next_steps, (now, world.tempo.at(now)))),
        ServerSide::CookieSent if connection.belief() == CombinedState::Phantom && next_steps.never_learns => {
            Some(say!("the server keeps nothing and sends nothing").into())
        }
        ServerSide::CookieSent if connection.belief() == CombinedState::Phantom => {
            Some(say!("the server keeps nothing; the client's data may redeem the cookie once there is room").into())
        }
        ServerSide::CookieSent => {
            Some(say!("the server keeps nothing: only the client's ACK can make a connection").into())
        }
        ServerSide::Accepted => {
            let service =
                world.knobs.as_ref().map(|knobs| say!(" (service takes {time})", time = numbers::span(knobs.service)));
            Some(say!("the server serves it and closes{service}", service = service.unwrap_or_default()))
        }
        ServerSide::Closed => Some(say!("the server has closed: only the last segments are on their way").into()),
        ServerSide::Nothing if connection.client == ClientSide::SynSent && next_steps.coming.is_none() => {
            next_steps.retry.is_none().then(|| say!("the client's own timer decides").into())
        }
        _ => None,
    }
}

/// What the request's timer does, and how it ends.
fn request(connection: &Connection, next_steps: &NextSteps, (now, clients): (Stamp, Stamp)) -> String {
    let expires = next_steps.expires.map_or_else(String::new, |at| {
        say!(
            "if nothing changes the request expires at about {seconds} s",
            seconds = at.since(connection.first_seen).as_secs()
        )
    });
    let again = next_steps
        .syn_ack
        .map(|at| say!("server sends SYN-ACK again in {left} · ", left = numbers::countdown(at.since(now))));
    let end = if next_steps.never_learns {
        say!("; the client gets no packet")
    } else if connection.client == ClientSide::Connected && connection.acks_ignored > 0 {
        say!("; then the client's data meets a RST")
    } else if connection.client == ClientSide::Vanished {
        say!("; the client never answers")
    } else {
        ""
    };
    let ack = next_steps.coming.is_some_and(|travel| travel.kind == Kind::Ack && travel.arrives > clients);
    if ack && connection.acks_ignored == 0 {
        String::new()
    } else {
        format!("{}{expires}{end}", again.unwrap_or_default())
    }
}

fn turn(before: u32, connection: &Connection, world: &World) -> String {
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    let place = match before {
        0 => say!("the next accept() returns it").to_owned(),
        1 => say!("1 connection ahead of it").to_owned(),
        many => say!("{many} connections ahead of it", many),
    };
    let pause = if paused { say!(" · accept() is paused") } else { "" };
    let closed = if connection.server == ServerSide::QueuedClosed {
        say!("closed by its client, still occupies a slot: ")
    } else {
        ""
    };
    format!("{closed}{place}{pause}")
}
