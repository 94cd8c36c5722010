//! Output: data to stdout, diagnostics to stderr. A closed pipe is no error; a full disk is one.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use super::exit::Failure;
use crate::say;
use crate::session::files::{self, Existing};
use crate::text::sanitize;
use crate::ui::terminal;

/// Stdout, buffered, which remembers that its reader has gone.
#[derive(Debug)]
pub struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    Taken,
    /// The reader has closed the pipe.
    PipeClosed,
}

impl Output {
    /// Takes stdout.
    pub fn stdout() -> Self {
        Self { stdout: BufWriter::with_capacity(64 * 1024, io::stdout().lock()) }
    }

    /// Lets `write` write and passes everything on at once.
    ///
    /// # Errors
    /// A [`Failure`] where stdout does not take it, for example on a full disk.
    pub fn put(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Written, Failure> {
        check_written(write(&mut self.stdout).and_then(|()| self.stdout.flush()))
    }
}

/// Writes to stdout where a picture was; does not wait for a stalled terminal.
///
/// # Errors
/// As [`Output::put`].
pub fn after_picture(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Written, Failure> {
    let mut bytes = Vec::new();
    let taken = write(&mut bytes).and_then(|()| terminal::print(bytes));
    let nobody_reads = matches!(taken, Ok(false));
    check_written(taken.map(drop)).map(|written| if nobody_reads { Written::PipeClosed } else { written })
}

/// Writes to a file, which is emptied first; - is stdout.
///
/// # Errors
/// A [`Failure`] where it cannot be written.
pub fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return Output::stdout().put(write).map(|_| ());
    }
    let written = files::create(path, Existing::Emptied).map(BufWriter::new).and_then(|mut file| {
        write(&mut file)?;
        file.flush()
    });
    written.map_err(|error| {
        Failure::new(
            say!("cannot write {file}: {error}", file = path.display(), error),
            say!("give a file that can be written, or - for stdout"),
        )
    })
}

/// Writes one diagnostic to stderr. Errors are ignored: they cannot be reported anywhere.
pub fn report(message: impl std::fmt::Display) {
    if terminal::is_stalled(rustix::stdio::stderr()) {
        return;
    }
    let text = sanitize::lines(&message.to_string());
    let _nobody_reads = writeln!(io::stderr().lock(), "{text}");
}

/// A closed pipe is no error, anything else is.
///
/// # Errors
/// The [`Failure`] to report.
pub fn check_written(outcome: io::Result<()>) -> Result<Written, Failure> {
    match outcome {
        Ok(()) => Ok(Written::Taken),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::PipeClosed),
        Err(error) => Err(Failure::new(
            say!("cannot write to stdout: {error}", error),
            say!("free some space, or send the output elsewhere: qviz ... > OTHER-FILE"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_a_quiet_end_and_a_full_disk_is_not() {
        assert_eq!(check_written(Err(io::ErrorKind::BrokenPipe.into())).unwrap(), Written::PipeClosed);
        assert!(check_written(Err(io::ErrorKind::StorageFull.into())).unwrap_err().message.contains("stdout"));
    }
}
