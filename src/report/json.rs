//! One JSON document, pretty-printed.

use std::io::{self, Write};

use serde::Serialize;

use crate::text;

/// Writes a document and a line feed.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    text::json::write_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}
