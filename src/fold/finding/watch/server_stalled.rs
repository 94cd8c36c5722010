//! Connections wait and none is accepted, for longer than this program's own rhythm.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::finding::Action;
use crate::fold::finding::holders::accepting;
use crate::model::watch::HolderProcess;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "server-stalled", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Connections stand in the accept queue and the program takes none of them. The accept queue is first in, first out, so the oldest
connection still being there, and a queue that does not become shorter, prove that accept() has not returned since. A program that takes one
connection a second is not stuck: qviz says so only after three times the longest pause that it has seen, and three seconds at least.
Kernel: inet_csk_accept takes from the head of icsk_accept_queue (net/ipv4/inet_connection_sock.c).
What to do: look at the process: stopped (state T: kill -CONT PID), swapped out, blocked on a lock, a disk or another server, out of
file descriptors (accept() fails with EMFILE), or busy in a loop that does not come back to accept(). A bigger backlog only lets
more clients wait for nothing.";

/// Why nothing is accepted, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// A process waits for a disk or a file system.
    Uninterruptible(u32),
    /// Each process serves a connection.
    AllBusy(usize),
    /// All of them sleep in this system call.
    Sleeping(String),
    /// One of them runs all the time.
    Running(u32),
    /// It holds so many connections.
    Holding(u32),
    Unknown,
}

fn check(context: &ListenerContext<'_>) -> Verdict {
    let (listener, now) = (context.listener, context.now());
    let (Some(idle), Some(depth)) = (listener.unaccepted(now), listener.reading.queue.depth.filter(|depth| *depth > 0))
    else {
        return Verdict::Absent;
    };
    if !listener.is_stalled(now) {
        return Verdict::TooEarly;
    }
    let processes = accepting(listener);
    // Their own rules say more.
    if context.has_its_reason() {
        return Verdict::Covered;
    }
    let (holder, reason) = (context.holder(), reason(&processes, listener.served));
    let mut evidence = vec![("accept_queue_depth", f64::from(depth)), ("unaccepted_s", idle.as_secs_f64())];
    evidence.extend(listener.occupants.oldest_wait_ms.map(|oldest| ("oldest_wait_s", f64::from(oldest) / 1000.0)));
    evidence.extend(listener.served.map(|served| ("served", f64::from(served))));
    let look = holder.pids().first().into_iter().flat_map(|pid| {
        let does = || say!("what it does, thread by thread").to_owned();
        let sleeps = || say!("in which function of the kernel each thread sleeps").to_owned();
        [
            Action::live(does, format!("top -H -b -n 1 -p {pid}")),
            Action::live(sleeps, format!("grep . /proc/{pid}/task/*/wchan")),
        ]
    });
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions: look.collect(),
        evidence,
        sentence: Sentence::new(move || {
            let idle = seconds(idle);
            let why = words(&reason);
            say!("no connection accepted for {idle}: {depth} waiting. {holder}: {why}.", idle, depth, holder, why)
        }),
    })
}

fn reason(processes: &[&HolderProcess], served: Option<u32>) -> Reason {
    if let Some(process) = processes.iter().find(|process| process.state == 'D') {
        return Reason::Uninterruptible(process.pid);
    }
    let busy = processes.iter().filter(|process| process.served.is_some_and(|served| served > 0)).count();
    let sleep = processes.first().and_then(|process| process.sleeps_in.clone());
    let sleep = sleep.filter(|call| processes.iter().all(|process| process.sleeps_in.as_ref() == Some(call)));
    let running = processes.iter().find(|process| process.state == 'R').map(|process| process.pid);
    match served {
        // One process with one connection may be an event loop that is busy with something else.
        Some(served) if busy > 1 && busy == processes.len() && served as usize == busy => Reason::AllBusy(busy),
        _ if sleep.is_some() => Reason::Sleeping(sleep.unwrap_or_default()),
        _ if running.is_some() => Reason::Running(running.unwrap_or_default()),
        Some(served) if served > 0 => Reason::Holding(served),
        _ => Reason::Unknown,
    }
}

fn words(reason: &Reason) -> String {
    match *reason {
        Reason::Uninterruptible(pid) => {
            say!("pid {pid} waits in the kernel (state D), for a disk or a file system", pid)
        }
        Reason::Sleeping(ref call) => match call.as_str() {
            "epoll_wait" | "epoll_pwait" | "poll" | "ppoll" | "select" | "pselect6" => say!(
                "it waits for events in {call}() and does not ask for this one: it holds as many connections as it may, or has stopped listening",
                call
            ),
            _ => say!("it sleeps in {call}(), and accepts nothing until that returns", call),
        },
        Reason::Running(pid) => {
            say!("pid {pid} runs (state R) and does not come back to accept(): busy with something else", pid)
        }
        Reason::AllBusy(count) => {
            say!("each of {count} processes serves a connection, and takes the next after it", count)
        }
        Reason::Holding(served) => say!("busy, or holding as many connections as it may ({served})", served),
        Reason::Unknown => say!("stopped, busy, or holding as many connections as it may").to_owned(),
    }
}
