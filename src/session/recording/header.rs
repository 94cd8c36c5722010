//! The first line of a recording, parsed.

use std::path::Path;

use super::{Header, RecordingError, VERSION};
use crate::say;

/// The header in a file's first line.
pub(super) fn header_in(path: &Path, line: &[u8]) -> Result<Header, RecordingError> {
    let path = path.to_owned();
    let Ok(first) = serde_json::from_slice::<serde_json::Value>(line) else {
        return Err(RecordingError::Foreign { path });
    };
    match first.get("qviz-recording").and_then(serde_json::Value::as_u64) {
        None => Err(RecordingError::Foreign { path }),
        Some(found) if found != u64::from(VERSION) => Err(RecordingError::Version { path, found }),
        Some(_) => serde_json::from_value(first).map_err(|error| {
            let reason = say!("damaged header ({error})", error = bare(&error));
            RecordingError::Line { path, line: 1, reason }
        }),
    }
}

/// The error without its position, which is relative to one line.
pub(super) fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}
