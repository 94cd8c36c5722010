//! Sentences, wrapping, sanitizing.

#[path = "text/message.rs"]
mod message;
#[path = "text/wrap.rs"]
mod wrap;
