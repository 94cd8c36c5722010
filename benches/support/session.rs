//! A live session in a private network of this process, folded to its end.

#![allow(dead_code, reason = "each bench uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use qviz::fold::world::World;
use qviz::kernel::proc;
use qviz::lab::namespace::{Namespace, NetworkPlan};
use qviz::model::event::Stamped;
pub(crate) use qviz::model::settings::Knobs;
use qviz::model::settings::{ClientKind, Sysctls};
use qviz::scenario::Script;
use qviz::session::Session;
use qviz::session::live::{self, LabSite, LivePlan, Past};

/// Steady arrivals, no network delay, nobody half-open, served at once.
pub(crate) fn knobs() -> Knobs {
    Knobs { backlog: 4096, rate: 10_000.0, ..Knobs::quiet() }
}

/// Enters a private network and starts the session there.
pub(crate) fn start(clients: ClientKind, knobs: Knobs, duration: Duration) -> Session {
    let host = proc::read_sysctls();
    let mut network = NetworkPlan::like_host(host.clone());
    network.overrides.set(qviz::model::settings::Sysctl::Somaxconn, 65_535);
    let namespace = Namespace::enter(&network).unwrap();
    live::start(LivePlan {
        capture: None,
        knobs,
        clients,
        address: None,
        seed: 1,
        count: None,
        duration: Some(duration),
        script: Script::default(),
        site: LabSite::Lab(Arc::new(namespace)),
        host,
        sysctls: Sysctls::default(),
        programs: None,
        past: Past::default(),
    })
    .unwrap()
}

/// Gives every batch of facts of the session to `each`, to its end.
pub(crate) fn follow(mut session: Session, mut each: impl FnMut(Vec<Stamped>)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        while let Some(facts) = session.next().await {
            each(facts);
        }
    });
}

/// Runs a session and folds it.
pub(crate) fn run(clients: ClientKind, knobs: Knobs, duration: Duration) -> World {
    let session = start(clients, knobs, duration);
    let mut world = World::new();
    follow(session, |facts| {
        for fact in &facts {
            world.apply(fact.at, &fact.event);
        }
    });
    world
}
