//! A listener, its server and its clients at one table, in a loop that waits on nothing but what they name.

use std::os::fd::AsFd;
use std::time::Duration;

use qviz::lab::connect::{ConnectClients, ConnectPlan};
use qviz::lab::listener::{ListenPlan, Listener};
use qviz::lab::server::{Server, ServerPlan};
use qviz::model::command::Command;
use qviz::model::event::{ClientEvent, Event, Loss, ServerEvent, Stamped};
use qviz::model::peer::Peer;
use qviz::model::stamp::Stamp;
use qviz::session::clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Far longer than anything here takes on a slow machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A listener, its server and its clients.
pub(crate) struct Table {
    pub(crate) clock: Clock,
    pub(crate) listener: Listener,
    pub(crate) server: Server,
    pub(crate) connects: ConnectClients,
    pub(crate) facts: Vec<Stamped>,
}

impl Table {
    pub(crate) fn set(backlog: i32, server: ServerPlan, plan: &ConnectPlan) -> Self {
        let listener = listen("127.0.0.1:0", backlog);
        let connects = ConnectClients::new(&ConnectPlan { target: listener.address(), ..plan.clone() }).unwrap();
        Self { clock: Clock::start(), listener, server: Server::new(server).unwrap(), connects, facts: Vec::new() }
    }

    pub(crate) fn turn(&mut self) {
        let now = self.clock.now();
        self.server.turn(now, self.listener.as_fd(), &|_| (Some(7), Some(8)), &mut self.facts);
        self.connects.turn(now, &mut self.facts);
    }

    pub(crate) fn command(&mut self, command: Command) {
        let now = self.clock.now();
        self.server.command(now, &command);
        self.connects.command(now, &command);
    }

    /// Turns until `done`, sleeping on descriptors and deadlines alone.
    pub(crate) fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.clock.now() + DEADLINE;
        loop {
            self.turn();
            if done(self) {
                return;
            }
            assert!(self.clock.now() < end, "{what}: not within {DEADLINE:?}; facts: {:#?}", self.facts);
            let deadlines = [self.server.next_deadline(), self.connects.next_deadline(), Some(end)];
            self.sleep_until(deadlines.into_iter().flatten().min().unwrap());
        }
    }

    /// Waits for the kernel while neither side has a turn.
    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.clock.now() + DEADLINE;
        while !done(self) {
            assert!(self.clock.now() < end, "{what}: not within {DEADLINE:?}");
            Clock::pause(Duration::from_millis(5));
        }
    }

    /// Turns until there is nothing to do at once: every client that is due has started and was heard.
    pub(crate) fn settle(&mut self) {
        self.turn();
        while self.connects.next_deadline().is_some_and(|at| at <= self.clock.now()) {
            self.turn();
        }
    }

    pub(crate) fn sleep_until(&self, next: Stamp) {
        let (server, connects) = (self.server.fd(), self.connects.fd());
        let mut fds =
            vec![PollFd::from_borrowed_fd(server, PollFlags::IN), PollFd::from_borrowed_fd(connects, PollFlags::IN)];
        if self.server.wants_listener() {
            fds.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        let span = Timespec::try_from(next.since(self.clock.now())).unwrap();
        poll(&mut fds, Some(&span)).unwrap();
    }

    pub(crate) fn peers_with_event(&self, wanted: impl Fn(&ClientEvent) -> bool) -> Vec<Peer> {
        let life = |fact: &Stamped| match &fact.event {
            Event::Client { peer, event: life, .. } if wanted(life) => Some(*peer),
            _ => None,
        };
        self.facts.iter().filter_map(life).collect()
    }

    pub(crate) fn connected(&self) -> Vec<Peer> {
        self.peers_with_event(|life| *life == ClientEvent::Connected)
    }

    pub(crate) fn finished(&self) -> usize {
        self.peers_with_event(|life| *life == ClientEvent::Finished).len()
    }

    pub(crate) fn deeds(&self) -> Vec<(Stamp, Peer, ServerEvent)> {
        let deed = |fact: &Stamped| match fact.event {
            Event::Served { peer, event: deed } => Some((fact.at, peer, deed)),
            _ => None,
        };
        self.facts.iter().filter_map(deed).collect()
    }

    pub(crate) fn accepted(&self) -> Vec<Peer> {
        let accepted = |(_, peer, deed)| matches!(deed, ServerEvent::Accepted { .. }).then_some(peer);
        self.deeds().into_iter().filter_map(accepted).collect()
    }

    pub(crate) fn skipped(&self) -> u64 {
        let skipped = |fact: &Stamped| match fact.event {
            Event::Loss(Loss::ArrivalsSkipped(clients)) => Some(clients),
            _ => None,
        };
        self.facts.iter().filter_map(skipped).sum()
    }

    /// The lines of `/proc/net/tcp` in which the listener's address is the local one, in this state.
    pub(crate) fn table_lines(&self, state: &str) -> Vec<Vec<String>> {
        let local = format!(":{:04X}", self.listener.address().port());
        let table = std::fs::read_to_string("/proc/thread-self/net/tcp").unwrap();
        let words = table.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        words.filter(|words| words[1].ends_with(&local) && words[3] == state).collect()
    }

    /// Entries in the accept queue, as `/proc/net/tcp` shows them for a listener.
    pub(crate) fn queued(&self) -> u32 {
        let listening = self.table_lines("0A");
        let (_, queued) = listening[0][4].split_once(':').unwrap();
        u32::from_str_radix(queued, 16).unwrap()
    }
}

pub(crate) fn listen(address: &str, backlog: i32) -> Listener {
    Listener::open(&ListenPlan { address: address.parse().unwrap(), backlog }).unwrap()
}

/// Takes every descriptor that a limit of 64 allows, and leaves `left`.
pub(crate) fn take_all_descriptors_but(left: usize) -> Vec<std::fs::File> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    let mut taken: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len() - left);
    taken
}
