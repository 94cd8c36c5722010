//! Values that are one of a few words.

use clap::ValueEnum;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// As the terminal can; none with NO_COLOR
    #[default]
    Auto,
    /// Whatever the terminal says
    Always,
    /// None
    Never,
}

/// Which clients come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// Packet-level clients with a round-trip time
    Wire,
    /// Real connect(2) clients
    Connect,
}
