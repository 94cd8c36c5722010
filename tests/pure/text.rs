//! Sentences, wrapping, sanitizing.

#[path = "text/message.rs"]
mod message;
