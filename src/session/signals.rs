//! The signals that end a run: all whose usual effect is the end of a process and that come from outside. Not those of a fault in
//! the program itself (SEGV, BUS, ILL, FPE, TRAP, SYS), after which nothing can go on.

use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a run, as they come.
#[derive(Debug)]
pub struct EndSignals {
    taken: Vec<(i32, Signal)>,
}

/// Signals that the parent wanted ignored (nohup, a job in the background of a script).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// Stay ignored.
    Respected,
    /// End the run like the others: a screen without its terminal is of no use.
    Heard,
}

impl EndSignals {
    /// Takes the signals over. Call it inside of the runtime; signals that came before are not seen.
    ///
    /// # Errors
    /// When the kernel does not hand them over.
    pub fn take(ignored: Ignored) -> io::Result<Self> {
        outlive_file_size_limit()?;
        let kept = if ignored == Ignored::Respected { ignored_signals() } else { 0 };
        let numbers = NUMBERS.into_iter().chain(REAL_TIME).filter(|number| kept & (1 << (number - 1)) == 0);
        let taken = numbers.map(|number| Ok((number, signal(SignalKind::from_raw(number))?)));
        Ok(Self { taken: taken.collect::<io::Result<_>>()? })
    }

    /// The number of the next signal.
    pub async fn next(&mut self) -> i32 {
        std::future::poll_fn(|context| {
            let came = self
                .taken
                .iter_mut()
                .find_map(|(number, stream)| stream.poll_recv(context).is_ready().then_some(*number));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// From now on a write beyond `ulimit -f` fails, instead of ending the process (SIGXFSZ). Call it inside of the runtime.
///
/// # Errors
/// When the kernel does not hand the signal over.
pub fn outlive_file_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(XFSZ)).map(drop)
}

/// The signals that this process ignores, one bit each (`SigIgn` of /proc/self/status); none where /proc is hidden.
fn ignored_signals() -> u64 {
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    status.map_or(0, |status| status.sigign)
}

/// HUP, INT, QUIT, ABRT, USR1, USR2, ALRM, TERM, STKFLT, XCPU, VTALRM, PROF, IO, PWR (signal(7)). SIGXFSZ is none of them: the
/// write that is too long fails, and says so.
const NUMBERS: [i32; 14] = [1, 2, 3, 6, 10, 12, 14, 15, 16, 24, 26, 27, 29, 30];

const XFSZ: i32 = 25;

/// The real-time signals that the C libraries leave to programs.
const REAL_TIME: std::ops::RangeInclusive<i32> = 35..=64;
