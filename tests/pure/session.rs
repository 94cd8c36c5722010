//! The stream: recordings, clocks, files.

#[path = "session/recording_record.rs"]
mod recording_record;
#[path = "session/recording_transport.rs"]
mod recording_transport;
