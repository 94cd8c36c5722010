//! One side of the lab, the server or the real clients, in a thread of its own. The session carries out commands on it and takes
//! its facts under one lock: whoever holds it knows that nothing happens there that is not among the facts.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::model::event::Stamped;
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;

/// What such a thread does.
pub(super) trait Side: Send + 'static {
    /// Does everything that is possible now without blocking; facts are appended to `out`.
    fn turn(&mut self, out: &mut Vec<Stamped>);

    /// When [`Side::turn`] has something to do although no descriptor is readable.
    fn next_deadline(&self) -> Option<Stamp>;

    /// Whether the second descriptor is waited for, too.
    fn wants_second(&self) -> bool {
        true
    }
}

/// The thread, and what is shared with it. It ends with this value.
pub(super) struct Worker<T> {
    shared: Arc<Shared<T>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// How many others wait for the lock: the thread lets them in first.
    waiting: AtomicUsize,
    stopped: AtomicBool,
    /// Readable when there is something new to look at.
    wake: OwnedFd,
}

/// The side, and its facts that nobody has taken yet.
pub(super) struct State<T> {
    pub(super) side: T,
    facts: Vec<Stamped>,
}

impl<T> State<T> {
    /// Moves all facts so far to the end of `out`.
    pub(super) fn take_facts(&mut self, out: &mut Vec<Stamped>) {
        out.append(&mut self.facts);
    }
}

impl<T: Side> Worker<T> {
    /// Starts the thread, which calls `prepare` first. It waits for these descriptors, the second one only while it is wanted.
    ///
    /// # Errors
    /// Where no thread or no descriptor is to be had.
    pub(super) fn start(
        name: &str,
        (side, clock): (T, Clock),
        fds: Vec<Box<dyn AsFd + Send>>,
        prepare: impl FnOnce(&mut T, &mut Vec<Stamped>) + Send + 'static,
    ) -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let state = Mutex::new(State { side, facts: Vec::new() });
        let shared = Arc::new(Shared { state, waiting: AtomicUsize::new(0), stopped: AtomicBool::new(false), wake });
        let theirs = Arc::clone(&shared);
        let work = move || {
            let mut state = theirs.lock();
            let State { side, facts } = &mut *state;
            prepare(side, facts);
            drop(state);
            theirs.run(clock, &fds);
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(work)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Calls `work` while the thread does nothing.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        self.shared.waiting.fetch_add(1, Ordering::SeqCst);
        let mut state = self.shared.lock();
        self.shared.waiting.fetch_sub(1, Ordering::SeqCst);
        work(&mut state)
    }

    /// The same, and has the thread look at its deadlines and descriptors anew.
    pub(super) fn change<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        let result = self.with(work);
        self.wake();
        result
    }

    fn wake(&self) {
        let _it_is_awake = rustix::io::write(&self.shared.wake, &1_u64.to_ne_bytes());
    }
}

impl<T: Side> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, clock: Clock, fds: &[Box<dyn AsFd + Send>]) {
        while !self.stopped.load(Ordering::SeqCst) {
            while self.waiting.load(Ordering::SeqCst) > 0 {
                std::thread::yield_now();
            }
            let (deadline, second) = {
                let mut state = self.lock();
                let State { side, facts } = &mut *state;
                side.turn(facts);
                (side.next_deadline(), side.wants_second())
            };
            let span = deadline.map_or(LONGEST_WAIT, |due| due.since(clock.now()).min(LONGEST_WAIT));
            let wanted = if second { fds } else { fds.get(..1).unwrap_or_default() };
            let mut polled: Vec<_> =
                wanted.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)).collect();
            polled.push(PollFd::new(&self.wake, PollFlags::IN));
            let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
            let _interrupted = poll(&mut polled, Some(&timeout));
            let _nobody_woke_us = rustix::io::read(&self.wake, &mut [0_u8; 8]);
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _it_is_awake = rustix::io::write(&self.shared.wake, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _defect = thread.join();
        }
    }
}

/// How long the thread sleeps at most; less than a second.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
