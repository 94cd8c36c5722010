//! The lines to paste that several rules share.

use super::context::seconds;
use super::{Action, ListenerContext};
use crate::fold::finding::holders::accepting;
use crate::fold::programs::{KnownProgram, program_at, programs_of};
use crate::fold::what_if::WhatIf;
use crate::model::watch::Address;
use crate::say;

/// The smallest queue that is worth a change.
const SMALLEST: u32 = 1024;

/// The largest backlog that is proposed: Go asks for no more either.
const LARGEST: u32 = 65_535;

/// A longer queue than this listener's: at least twice its limit, and its peak.
pub(super) fn longer_backlog(context: &ListenerContext<'_>) -> u32 {
    let limit = context.listener.reading.queue.limit.unwrap_or(0);
    let wanted = limit.max(context.listener.accept_queue.max()).saturating_mul(2).max(SMALLEST);
    let wanted = wanted.min(LARGEST).next_power_of_two().min(LARGEST);
    // Where the clients of the last minute are known: long enough for them.
    let enough = |tried: &WhatIf| tried.lost == 0;
    let longer = context.world.what_if(context.listener).into_iter().filter(enough).map(|tried| tried.backlog).min();
    longer.filter(|longer| *longer > wanted).map_or(wanted, |longer| longer.next_power_of_two().min(LARGEST))
}

/// What a queue of this length would have done with the clients of the last minute.
#[derive(Clone, Copy)]
struct Effect(Option<WhatIf>);

impl Effect {
    fn of(context: &ListenerContext<'_>, backlog: u32) -> Self {
        Self(context.world.what_if_limit(context.listener, backlog))
    }

    /// Behind what a line does: `: 0 of 924 clients lost, longest wait 8.0 s`.
    fn after(self, what: &str) -> String {
        let Some(WhatIf { clients, range: (least, most), longest_wait, .. }) = self.0 else { return what.to_owned() };
        let lost = if least == most { least.to_string() } else { say!("{least} to {most}", least, most) };
        let Some(wait) = longest_wait else {
            return say!("{what}: {lost} of the last {clients} clients lost", what, lost, clients);
        };
        say!(
            "{what}: {lost} of the last {clients} clients lost, longest wait {wait}",
            what,
            lost,
            clients,
            wait = seconds(wait)
        )
    }
}

/// How to make this listener's queue longer: the ceiling first where it is too low, then the program's own line, then without a restart.
pub(super) fn longer_queue(context: &ListenerContext<'_>) -> Vec<Action> {
    let backlog = longer_backlog(context);
    let mut actions = ceiling(context, backlog);
    actions.extend(program_line(context, backlog));
    if let Address::Tcp(address) = &context.listener.reading.address {
        let effect = Effect::of(context, backlog);
        let what = move || effect.after(say!("lengthen the running listener's queue until its program listens again"));
        actions.push(Action::live(what, format!("qviz tune {address} --backlog {backlog}")));
    }
    actions
}

/// The program's own line for twice as many workers; the processes that accept are counted.
pub(super) fn more_workers(context: &ListenerContext<'_>) -> Vec<Action> {
    let workers = accepting(context.listener).len().max(1) * 2;
    let what = |name: &str| {
        let name = name.to_owned();
        move || {
            say!(
                "{name}: twice the workers, half the wait, if a processor, a database or a disk is not the limit",
                name
            )
        }
    };
    own_line(context, what, |program| program.workers_line(workers))
}

/// The program's own line for twice as many connections.
pub(super) fn more_connections(context: &ListenerContext<'_>, served: u32) -> Vec<Action> {
    let what = |name: &str| {
        let name = name.to_owned();
        move || say!("{name}'s limit of connections, if that is what it has reached", name)
    };
    own_line(context, what, |program| program.connections_line(served.saturating_mul(2)))
}

fn own_line<F: Fn() -> String + Send + Sync + 'static>(
    context: &ListenerContext<'_>,
    what: impl Fn(&str) -> F,
    line: impl Fn(&KnownProgram) -> Option<String>,
) -> Vec<Action> {
    let command = context.listener.owner.as_ref().map(|owner| owner.command.as_str());
    let named = command.into_iter().flat_map(programs_of).find_map(|program| Some((program, line(program)?)));
    let Some((program, line)) = named else { return Vec::new() };
    vec![Action { live: false, ..Action::live(what(&program.name), line) }]
}

/// net.core.somaxconn, where it is below `backlog`: until the next boot, over it, and in a container.
fn ceiling(context: &ListenerContext<'_>, backlog: u32) -> Vec<Action> {
    if context.listeners().somaxconn_now().is_none_or(|somaxconn| somaxconn >= backlog) {
        return Vec::new();
    }
    let place = context.listener.owner.as_ref().and_then(|owner| owner.place.clone()).unwrap_or_default();
    if ["docker", "podman"].iter().any(|runtime| place.starts_with(runtime)) {
        let what = || say!("start the container with a higher ceiling").to_owned();
        return vec![Action { live: false, ..Action::live(what, format!("--sysctl net.core.somaxconn={backlog}")) }];
    }
    let now = || say!("raise the ceiling; only the next listen() reads it").to_owned();
    let later = || say!("keep it over a boot").to_owned();
    let line = format!("echo 'net.core.somaxconn = {backlog}' > /etc/sysctl.d/90-somaxconn.conf");
    [
        Action { live: false, ..Action::live(now, format!("sysctl -w net.core.somaxconn={backlog}")) },
        Action { live: false, ..Action::live(later, line) },
    ]
    .into()
}

/// The program's own line with the listener's address, and what applies it. Where a name stands for several programs, that of the one whose
/// default the limit is; otherwise none.
pub(super) fn program_line(context: &ListenerContext<'_>, backlog: u32) -> Vec<Action> {
    let listener = context.listener;
    let Some(command) = listener.owner.as_ref().map(|owner| owner.command.as_str()) else { return Vec::new() };
    let Some(program) = program_at(command, listener.reading.queue.limit) else { return Vec::new() };
    let Some(setting) = program.line(&listener.reading.address, backlog) else { return Vec::new() };
    let name = program.name.clone();
    let apply = program.apply.clone();
    let (by_restart, takes_effect) = (apply.is_none(), program.live);
    let effect = Effect::of(context, backlog);
    let what = move || {
        let what = if by_restart {
            say!("{name}'s own setting, then restart it", name)
        } else {
            say!("{name}'s own setting", name)
        };
        effect.after(&what)
    };
    let line = Action { live: takes_effect, ..Action::live(what, setting) };
    let apply =
        apply.map(|command| Action { live: takes_effect, ..Action::live(|| say!("apply that").to_owned(), command) });
    [line].into_iter().chain(apply).collect()
}
