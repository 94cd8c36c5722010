//! `--log FILE`: what qviz does, with times, into a file and never onto the screen.

use std::path::Path;
use std::sync::Mutex;

use super::exit::Failure;
use crate::say;
use crate::session::files::{self, Existing};

/// From now on everything that is traced is appended to the file.
///
/// # Errors
/// A [`Failure`] where the file cannot be opened.
pub(super) fn begin(path: &Path) -> Result<(), Failure> {
    let file = files::create(path, Existing::Continued).map_err(|error| {
        Failure::new(
            say!("cannot open the log {file}: {error}", file = path.display(), error),
            say!("give a file that can be written: --log qviz.log"),
        )
    })?;
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(Mutex::new(file))
        .init();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "qviz begins");
    Ok(())
}
