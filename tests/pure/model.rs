//! The vocabulary: values.

#[path = "model/client_clock.rs"]
mod client_clock;
#[path = "model/delivery.rs"]
mod delivery;
#[path = "model/queue.rs"]
mod queue;
#[path = "model/segment.rs"]
mod segment;
#[path = "model/watch.rs"]
mod watch;
