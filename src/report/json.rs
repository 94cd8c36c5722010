//! One JSON document, pretty-printed.

use std::io::{self, Write};

use serde::Serialize;

/// Writes a document and a line feed.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
