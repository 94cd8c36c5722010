//! The stamps of the server's facts.

use std::fmt;

use crate::model::stamp::Stamp;

/// Where the stamps of facts come from.
pub(super) enum Stamps {
    /// The `now` of the call.
    OfCall,
    /// A clock: `accept()` is stamped when it has returned.
    OfClock(Box<dyn Fn() -> Stamp + Send>),
}

impl Stamps {
    pub(super) fn at(&self, now: Stamp) -> Stamp {
        match self {
            Self::OfCall => now,
            Self::OfClock(clock) => clock(),
        }
    }
}

impl fmt::Debug for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OfCall => "OfCall",
            Self::OfClock(_) => "OfClock",
        })
    }
}
