//! A server that starts late: one connect() fails; a loop of new sockets with doubling pauses connects; the kernel's
//! own retries connect when the server runs and only its queue is full. The pauses are scaled: 50 ms for one second.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::Socket;

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::stamp::Stamp;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    experiment.measure("late-ms", ends::millis(LATE));
    experiment.measure("first-pause-ms", ends::millis(FIRST_PAUSE));
    by_new_sockets(experiment)?;
    by_the_kernel(experiment)
}

/// A new socket for each attempt, with doubling pauses.
fn by_new_sockets(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (address, began) = (free_port()?, experiment.env().now());
    let mut server = LateServer { address, due: began + LATE, listener: None };
    let (mut pause, mut tries) = (FIRST_PAUSE, 0);
    loop {
        let socket = ends::socket()?;
        let errno = connect_attempt::connect(&socket, address);
        let at = ends::millis(experiment.env().now().since(began));
        tries += 1;
        connect_attempt::record(
            experiment,
            "client",
            format!("#{tries} +{at:.0} ms: {}", connect_call(address)),
            errno,
        );
        experiment.measure(&format!("backoff-try-{tries}-ms"), at);
        if tries == 1 {
            experiment.measure("single-errno", f64::from(errno));
        }
        if errno == 0 || pause > LONGEST_PAUSE {
            experiment.measure_flag("backoff-connected", errno == 0);
            experiment.measure("backoff-tries", f64::from(tries));
            experiment.measure("backoff-ms", at);
            experiment.measure("backoff-wasted-ms", at - ends::millis(LATE));
            return if errno == 0 { reset(socket) } else { Ok(()) };
        }
        drop(socket);
        experiment.record_call("client", "close()", "0", CallOutcome::Plain);
        server.let_pass(experiment, pause)?;
        pause *= 2;
    }
}

/// A server that does not listen yet.
struct LateServer {
    address: SocketAddr,
    due: Stamp,
    listener: Option<Socket>,
}

impl LateServer {
    /// Sleeps for `span`; the server starts to listen when it is due.
    fn let_pass(&mut self, experiment: &mut Experiment<'_>, span: Duration) -> Result<(), ExperimentError> {
        let end = experiment.env().now() + span;
        if self.listener.is_none() && self.due <= end {
            experiment.sleep(self.due.since(experiment.env().now()))?;
            let listener = ends::socket()?;
            ends::call("bind()", listener.bind(&self.address.into()))?;
            ends::call("listen(5)", listener.listen(5))?;
            experiment.record_call("server", format!("bind({}), listen(5)", self.address), "0", CallOutcome::Good);
            self.listener = Some(listener);
        }
        experiment.sleep(end.since(experiment.env().now()))
    }
}

/// One connect(), with the queue full for the same time.
fn by_the_kernel(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(experiment)?;
    let socket = connect_attempt::nonblocking()?;
    let began = experiment.env().now();
    let errno = connect_attempt::connect(&socket, full.address);
    connect_attempt::record(experiment, "client", connect_call(full.address), errno);
    experiment.sleep(LATE)?;
    let _taken = full.make_room(experiment)?;
    let (at, errno) = connect_attempt::end_of(experiment, &socket, ends::TIMEOUT)?;
    let waited = ends::millis(at.since(began));
    connect_attempt::record(experiment, "client", format!("+{waited:.0} ms: getsockopt(SO_ERROR)"), errno);
    let retransmits = experiment.env().connect_progress(socket.as_fd()).map_or(0, |(retransmits, _)| retransmits);
    experiment.measure_flag("kernel-connected", errno == 0);
    experiment.measure("kernel-tries", f64::from(1 + retransmits));
    experiment.measure("kernel-ms", waited);
    experiment.measure("kernel-wasted-ms", waited - ends::millis(LATE));
    reset(socket)
}

/// The delay of the server.
const LATE: Duration = Duration::from_millis(600);
/// The first pause: a second in the textbook.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No pause is longer: 128 s in the textbook.
const LONGEST_PAUSE: Duration = Duration::from_millis(6_400);
