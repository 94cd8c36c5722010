//! A server that comes late, and who survives it: one connect() does not; a loop of new sockets and doubling pauses does; and the
//! kernel's own retries do, where the server is there and only its queue is full. The pauses are scaled: 50 ms stand for a second.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::Socket;

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::stamp::Stamp;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    bench.measure("late-ms", ends::millis(LATE));
    bench.measure("first-pause-ms", ends::millis(FIRST_PAUSE));
    by_new_sockets(bench)?;
    by_the_kernel(bench)
}

/// A new socket for each try, and a pause twice as long after each.
fn by_new_sockets(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (address, began) = (free_port()?, bench.env().now());
    let mut server = LateServer { address, due: began + LATE, listener: None };
    let (mut pause, mut tries) = (FIRST_PAUSE, 0);
    loop {
        let socket = ends::socket()?;
        let errno = connect_attempt::connect(&socket, address);
        let at = ends::millis(bench.env().now().since(began));
        tries += 1;
        connect_attempt::record(bench, "client", format!("#{tries} +{at:.0} ms: {}", connect_call(address)), errno);
        bench.measure(&format!("backoff-try-{tries}-ms"), at);
        if tries == 1 {
            bench.measure("single-errno", f64::from(errno));
        }
        if errno == 0 || pause > LONGEST_PAUSE {
            bench.measure_flag("backoff-connected", errno == 0);
            bench.measure("backoff-tries", f64::from(tries));
            bench.measure("backoff-ms", at);
            bench.measure("backoff-wasted-ms", at - ends::millis(LATE));
            return if errno == 0 { reset(socket) } else { Ok(()) };
        }
        drop(socket);
        bench.record_call("client", "close()", "0", CallOutcome::Plain);
        server.let_pass(bench, pause)?;
        pause *= 2;
    }
}

/// A server that is not there yet.
struct LateServer {
    address: SocketAddr,
    due: Stamp,
    listener: Option<Socket>,
}

impl LateServer {
    /// Lets so much time pass; the server begins to listen when it is due.
    fn let_pass(&mut self, bench: &mut Experiment<'_>, span: Duration) -> Result<(), ExperimentError> {
        let end = bench.env().now() + span;
        if self.listener.is_none() && self.due <= end {
            bench.sleep(self.due.since(bench.env().now()))?;
            let listener = ends::socket()?;
            ends::call("bind()", listener.bind(&self.address.into()))?;
            ends::call("listen(5)", listener.listen(5))?;
            bench.record_call("server", format!("bind({}), listen(5)", self.address), "0", CallOutcome::Good);
            self.listener = Some(listener);
        }
        bench.sleep(end.since(bench.env().now()))
    }
}

/// One connect(), and a queue that is full for the same time.
fn by_the_kernel(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(bench)?;
    let socket = connect_attempt::nonblocking()?;
    let began = bench.env().now();
    let errno = connect_attempt::connect(&socket, full.address);
    connect_attempt::record(bench, "client", connect_call(full.address), errno);
    bench.sleep(LATE)?;
    let _taken = full.make_room(bench)?;
    let (at, errno) = connect_attempt::end_of(bench, &socket, ends::TIMEOUT)?;
    let waited = ends::millis(at.since(began));
    connect_attempt::record(bench, "client", format!("+{waited:.0} ms: getsockopt(SO_ERROR)"), errno);
    let again = bench.env().connect_progress(socket.as_fd()).map_or(0, |(again, _)| again);
    bench.measure_flag("kernel-connected", errno == 0);
    bench.measure("kernel-tries", f64::from(1 + again));
    bench.measure("kernel-ms", waited);
    bench.measure("kernel-wasted-ms", waited - ends::millis(LATE));
    reset(socket)
}

/// How late the server is.
const LATE: Duration = Duration::from_millis(600);
/// The first pause: a second in the textbook.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No pause is longer: 128 s in the textbook.
const LONGEST_PAUSE: Duration = Duration::from_millis(6_400);
