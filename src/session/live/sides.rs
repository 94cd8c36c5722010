//! What the threads of the two sides do: accept and serve; connect.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::LiveError;
use super::worker::{Side, Worker};
use crate::kernel::own_socket;
use crate::lab::connect::ConnectClients;
use crate::lab::listener::Listener;
use crate::lab::namespace::NetnsToken;
use crate::lab::server::Server;
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::clock::Clock;
use crate::text::errno::describe;

/// The server and its listener. It works in the clients' time; its facts are stamped in the session's.
pub(super) struct ServerSide {
    pub(super) server: Server,
    listener: Arc<Listener>,
    clock: Clock,
    pub(super) tempo: ClientClock,
}

impl ServerSide {
    /// Starts the server's thread.
    pub(super) fn start(server: Server, listener: &Arc<Listener>, clock: Clock) -> Result<Worker<Self>, LiveError> {
        let failed = |source| LiveError::System { operation: say!("starting the server's thread"), source };
        let ready = server.fd().try_clone_to_owned().map_err(failed)?;
        let fds: Vec<Box<dyn AsFd + Send>> = vec![Box::new(ready), Box::new(Arc::clone(listener))];
        let server = server.stamped_by(move || clock.now());
        let side = Self { server, listener: Arc::clone(listener), clock, tempo: ClientClock::default() };
        Worker::start("server", (side, clock), fds, |_, _| {}).map_err(failed)
    }

    /// Calls `accept()` once.
    pub(super) fn accept_one(&mut self, out: &mut Vec<Stamped>) -> Option<Peer> {
        let now = self.tempo.at(self.clock.now());
        self.server.force_accept(now, self.listener.as_fd(), &inspect, out)
    }

    /// Carries out the next action that is due until then, in the clients' time.
    pub(super) fn step(&mut self, until: Option<Stamp>, out: &mut Vec<Stamped>) -> Option<(Stamp, Peer, StepOutcome)> {
        self.server.step((self.tempo.clients, until), self.listener.as_fd(), &inspect, out)
    }
}

impl Side for ServerSide {
    fn turn(&mut self, out: &mut Vec<Stamped>) {
        let now = self.tempo.at(self.clock.now());
        self.server.turn(now, self.listener.as_fd(), &inspect, out);
    }

    fn next_deadline(&self) -> Option<Stamp> {
        self.server.next_deadline().map(|due| self.tempo.moment(due))
    }

    fn wants_second(&self) -> bool {
        self.server.wants_listener()
    }
}

fn inspect(fd: BorrowedFd<'_>) -> (Option<u32>, Option<u64>) {
    (own_socket::queue_wait_ms(fd), own_socket::cookie(fd))
}

/// The real clients.
pub(super) struct ClientSide {
    pub(super) clients: ConnectClients,
    clock: Clock,
}

impl ClientSide {
    /// Starts the clients' thread, in the clients' namespace if there is one.
    pub(super) fn start(
        clients: ConnectClients,
        netns: Option<NetnsToken>,
        clock: Clock,
    ) -> Result<Worker<Self>, LiveError> {
        let failed = |source: io::Error| LiveError::System { operation: say!("starting the clients' thread"), source };
        let ready = clients.fd().try_clone_to_owned().map_err(failed)?;
        let enter = move |side: &mut Self, facts: &mut Vec<Stamped>| {
            if let Some(Err(errno)) = netns.map(|netns| netns.move_to_clients()) {
                side.clients.stop();
                let why = describe(&errno.into());
                let message = Message::of(|| say!("the clients' network cannot be entered: {why}", why));
                facts.push(Stamped { at: side.clock.now(), event: Event::Refused { message } });
            }
        };
        Worker::start("clients", (Self { clients, clock }, clock), vec![Box::new(ready)], enter).map_err(failed)
    }
}

impl Side for ClientSide {
    fn turn(&mut self, out: &mut Vec<Stamped>) {
        self.clients.turn(self.clock.now(), out);
    }

    fn next_deadline(&self) -> Option<Stamp> {
        self.clients.next_deadline()
    }
}
