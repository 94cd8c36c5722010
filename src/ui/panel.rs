//! The panels at the bottom of the picture.

/// A panel of which small screens show one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    /// What happened lately.
    #[default]
    Notes,
    /// What was lost, by cause.
    Ledger,
    /// The kernel's counters that moved.
    Counters,
    /// The settings in force.
    Settings,
}

impl Panel {
    /// The panel after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Notes => Self::Ledger,
            Self::Ledger => Self::Counters,
            Self::Counters => Self::Settings,
            Self::Settings => Self::Notes,
        }
    }
}
