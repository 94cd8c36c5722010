//! Experiments of a live session: each in a thread of its own in the lab's namespace, one at a time. Their facts are stamped
//! where they arise and join all others. Start at [`ExperimentRunner`].

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::stamped_tap::StampedTap;
use crate::experiment::{self, Env, Experiment, ListedSocket, PortTap, Wire};
use crate::kernel::own_socket::{self, OwnListener};
use crate::kernel::proc::CountersFile;
use crate::kernel::sock_diag::Diag;
use crate::kernel::sock_diag::codec::Row;
use crate::kernel::tap::LOOPBACK;
use crate::lab::namespace::NetnsToken;
use crate::model::counters::{Counter, Counters};
use crate::model::event::{Event, Stamped};
use crate::model::experiment::{ExperimentFact, ExperimentId};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::clock::Clock;
use crate::text::errno::describe;

/// The running experiment of a session, and those that wait for its end.
pub(super) struct ExperimentRunner {
    clock: Clock,
    netns: Option<NetnsToken>,
    /// The counters when the session began.
    first: Counters,
    facts: Receiver<Stamped>,
    sender: Sender<Stamped>,
    running: Option<Running>,
    waiting: VecDeque<ExperimentId>,
}

/// The experiment under way.
struct Running {
    trial: ExperimentId,
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl ExperimentRunner {
    /// No experiment yet. The counters are read here, as the base of what experiments count.
    pub(super) fn new(clock: Clock, netns: Option<NetnsToken>) -> Self {
        let first = CountersFile::open().ok().and_then(|mut file| file.read().ok()).unwrap_or_default();
        let (sender, facts) = channel();
        Self { clock, netns, first, facts, sender, running: None, waiting: VecDeque::new() }
    }

    /// Starts an experiment, or queues it until the present one has ended.
    pub(super) fn ask(&mut self, trial: ExperimentId, out: &mut Vec<Stamped>) {
        if self.waiting.len() == MOST_WAITING {
            let most = MOST_WAITING;
            let name = trial.name();
            let message = Message::of(|| say!("{trial} is not begun: {most} trials wait already", trial = name, most));
            return out.push(Stamped { at: self.clock.now(), event: Event::Refused { message } });
        }
        self.waiting.push_back(trial);
        self.turn(out);
    }

    /// Takes the facts since the last turn, and starts the next experiment when the present one has ended.
    pub(super) fn turn(&mut self, out: &mut Vec<Stamped>) {
        let ended = self.running.take_if(|running| running.thread.is_finished());
        out.extend(self.facts.try_iter());
        if let Some(ended) = ended {
            self.join(ended, out);
        }
        while self.running.is_none()
            && let Some(next) = self.waiting.pop_front()
        {
            self.begin(next, out);
        }
    }

    /// Stops the present experiment and drops those that wait.
    pub(super) fn stop(&mut self, out: &mut Vec<Stamped>) {
        self.waiting.clear();
        if let Some(running) = self.running.take() {
            running.stopped.store(true, Ordering::Relaxed);
            self.join(running, out);
        }
    }

    fn begin(&mut self, trial: ExperimentId, out: &mut Vec<Stamped>) {
        let stopped = Arc::new(AtomicBool::new(false));
        let (clock, first, teller) = (self.clock, self.first.clone(), self.sender.clone());
        let (stop, netns) = (Arc::clone(&stopped), self.netns.clone());
        let work = move || {
            let pair = netns.as_ref().map(|netns| netns.server().far.index);
            let mut env = SessionEnv { pair, ..SessionEnv::open(clock, first, stop, teller) };
            experiment::run(trial, &mut Experiment::new(&mut env, netns));
        };
        match std::thread::Builder::new().name("trial".into()).spawn(work) {
            Ok(thread) => self.running = Some(Running { trial, stopped, thread }),
            Err(error) => self.fail(trial, Message::of(|| describe(&error)), out),
        }
    }

    /// Joins the thread of an experiment and takes its last facts.
    fn join(&self, running: Running, out: &mut Vec<Stamped>) {
        let defect = running.thread.join().is_err();
        out.extend(self.facts.try_iter());
        if defect {
            self.fail(running.trial, Message::of(|| say!("its thread broke off: a defect of qviz")), out);
        }
    }

    fn fail(&self, trial: ExperimentId, why: Message, out: &mut Vec<Stamped>) {
        let event = Event::Experiment(ExperimentFact::Ended { trial, failed: Some(why) });
        out.push(Stamped { at: self.clock.now(), event });
    }
}

/// The environment of one experiment, opened in its own thread.
struct SessionEnv {
    clock: Clock,
    first: Counters,
    stopped: Arc<AtomicBool>,
    sender: Sender<Stamped>,
    /// The interface of the veth pair at which each segment is seen once.
    pair: Option<u32>,
    diag: RefCell<Option<Diag>>,
    counters: RefCell<Option<CountersFile>>,
}

impl SessionEnv {
    fn open(clock: Clock, first: Counters, stopped: Arc<AtomicBool>, sender: Sender<Stamped>) -> Self {
        let (diag, counters) = (RefCell::new(Diag::open().ok()), RefCell::new(CountersFile::open().ok()));
        Self { clock, first, stopped, sender, pair: None, diag, counters }
    }
}

impl Env for SessionEnv {
    fn now(&self) -> Stamp {
        self.clock.now()
    }

    fn sleep(&self, span: Duration) {
        let until = self.clock.now() + span;
        loop {
            let left = until.since(self.clock.now());
            if left.is_zero() || self.is_stopped() {
                return;
            }
            Clock::pause(left.min(DOZE));
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn emit(&mut self, fact: ExperimentFact) {
        let _the_session_is_over = self.sender.send(Stamped { at: self.clock.now(), event: Event::Experiment(fact) });
    }

    fn queue(&self, listener: BorrowedFd<'_>) -> Option<(u32, u32)> {
        let reading = OwnListener::new(listener).read();
        reading.depth.zip(reading.limit)
    }

    fn connect_progress(&self, socket: BorrowedFd<'_>) -> Option<(u32, u8)> {
        own_socket::connect_progress(socket).map(|sent| (sent.retransmits, sent.state))
    }

    fn cookie(&self, socket: BorrowedFd<'_>) -> Option<u64> {
        own_socket::cookie(socket)
    }

    fn sockets(&self, port: u16) -> Vec<ListedSocket> {
        let mut rows = Vec::new();
        let listed = self.diag.borrow_mut().as_mut().map(|diag| diag.of_port(port, &mut rows));
        if let Some(Err(error)) = listed {
            tracing::warn!(%error, "a trial's sockets could not be listed");
        }
        rows.iter().map(seen).collect()
    }

    fn counter(&self, name: &str) -> Option<u64> {
        let counter = Counter::ALL.into_iter().find(|counter| counter.name() == name)?;
        let now = self.counters.borrow_mut().as_mut()?.read().ok()?;
        now.since(&self.first).value(counter)
    }

    fn open_tap(&self, on: Wire, port: u16) -> Option<Box<dyn PortTap>> {
        let interface = match on {
            Wire::Loopback => LOOPBACK,
            Wire::Pair => self.pair?,
        };
        match StampedTap::open(self.clock, on, interface, port) {
            Ok(ear) => Some(Box::new(ear)),
            Err(error) => {
                tracing::info!(%error, "a trial hears nothing");
                None
            }
        }
    }
}

fn seen(row: &Row) -> ListedSocket {
    ListedSocket { state: row.state, peer_port: row.peer.port(), cookie: row.cookie, orphan: row.is_unaccepted() }
}

/// Experiments that may be queued.
const MOST_WAITING: usize = 16;

/// How late a sleeping experiment may notice that it is stopped.
const DOZE: Duration = Duration::from_millis(20);
