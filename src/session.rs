//! THE STREAM: merges every source into one line of stamped events; the only clock.

pub mod clock;
