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
    let Chosen { one, outlook, before, gone } = chosen;
    if gone.is_some() || one.is_over() && one.client.is_over() {
        return say!("nothing: it is over, and both sides know or will never know").into();
    }
    let mut words = Vec::new();
    let clients = world.tempo.at(now);
    if let Some(travel) = outlook.coming.filter(|travel| travel.arrives > clients) {
        let left = numbers::countdown(travel.arrives.since(clients));
        words.push(say!("its {segment} arrives in {left}", segment = segment_name(travel.kind), left));
    }
    words.extend(server(chosen, world, now));
    words.extend(client(one, outlook, (world.tempo, clients)));
    words.retain(|text| !text.is_empty());
    if let Some(before) = before {
        words.push(turn(*before, one, world));
    }
    if words.is_empty() {
        words.push(say!("nothing that a timer would bring about").into());
    }
    words.join(" · ")
}

/// The next timer alone.
pub(in crate::ui::view) fn in_short(one: &Connection, outlook: &NextSteps, (now, clients): (Stamp, Stamp)) -> String {
    let retry = outlook.retry.map(|retry| {
        let what = if retry.gives_up { say!("gives up") } else { again(one) };
        (retry.at.since(clients), what)
    });
    let syn_ack = outlook.syn_ack.map(|at| (at.since(now), "SYN-ACK"));
    let dies = outlook.expires.filter(|_| outlook.syn_ack.is_none()).map(|at| (at.since(now), say!("dies")));
    let next = [retry, syn_ack, dies].into_iter().flatten().min_by_key(|(left, _)| *left);
    next.map(|(left, what)| format!("{what} {}", numbers::countdown(left))).unwrap_or_default()
}

fn again(one: &Connection) -> &'static str {
    if matches!(one.client, ClientSide::SynSent) { say!("SYN again") } else { say!("data again") }
}

fn client(one: &Connection, outlook: &NextSteps, (tempo, now): (ClientClock, Stamp)) -> Option<String> {
    let retry = outlook.retry?;
    let left = numbers::countdown(retry.at.since(now));
    if retry.gives_up {
        return Some(say!("client gives up in {left} (ETIMEDOUT)", left));
    }
    let end = outlook.gives_up.map_or_else(String::new, |at| {
        if tempo == ClientClock::default() {
            say!("; gives up at about {seconds} s", seconds = at.since(one.first_seen).as_secs())
        } else {
            say!("; gives up about {seconds} s from now", seconds = at.since(now).as_secs())
        }
    });
    Some(say!("client: {what} in {left}{end}", what = again(one), left, end))
}

fn server(chosen: &Chosen, world: &World, now: Stamp) -> Option<String> {
    let Chosen { one, outlook, .. } = chosen;
    match one.server {
        ServerSide::HalfOpen => Some(request(one, outlook, (now, world.tempo.at(now)))),
        ServerSide::CookieSent if one.belief() == CombinedState::Phantom && outlook.never_learns => {
            Some(say!("the server keeps nothing and sends nothing; the client never learns").into())
        }
        ServerSide::CookieSent if one.belief() == CombinedState::Phantom => {
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
        ServerSide::Nothing if one.client == ClientSide::SynSent && outlook.coming.is_none() => {
            outlook.retry.is_none().then(|| say!("the client's own timer decides").into())
        }
        _ => None,
    }
}

/// What the request's timer does, and how it ends.
fn request(one: &Connection, outlook: &NextSteps, (now, clients): (Stamp, Stamp)) -> String {
    let dies = outlook.expires.map_or_else(String::new, |at| {
        say!("if nothing changes the request dies at about {seconds} s", seconds = at.since(one.first_seen).as_secs())
    });
    let again = outlook
        .syn_ack
        .map(|at| say!("server sends SYN-ACK again in {left} · ", left = numbers::countdown(at.since(now))));
    let end = if outlook.never_learns {
        say!("; the client never learns")
    } else if one.client == ClientSide::Connected && one.acks_ignored > 0 {
        say!("; then the client's data meets a RST")
    } else if one.client == ClientSide::Vanished {
        say!("; the client never answers")
    } else {
        ""
    };
    let ack = outlook.coming.is_some_and(|travel| travel.kind == Kind::Ack && travel.arrives > clients);
    if ack && one.acks_ignored == 0 { String::new() } else { format!("{}{dies}{end}", again.unwrap_or_default()) }
}

fn turn(before: u32, one: &Connection, world: &World) -> String {
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    let place = match before {
        0 => say!("the next accept() takes it").to_owned(),
        1 => say!("accept() takes 1 before it").to_owned(),
        many => say!("accept() takes {many} before it", many),
    };
    let pause = if paused { say!(" · accept() is paused") } else { "" };
    let dead = if one.server == ServerSide::QueuedClosed { say!("a dead entry that holds its place: ") } else { "" };
    format!("{dead}{place}{pause}")
}
