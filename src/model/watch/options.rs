//! Options of a listening socket.

use serde::{Deserialize, Serialize};

/// Options of a listening socket, read from a copy of its descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerOptions {
    /// TCP_DEFER_ACCEPT in seconds, 0: off.
    pub defer_accept_s: Option<u32>,
    /// TCP_FASTOPEN's queue, 0: off.
    pub fastopen: Option<u32>,
    /// SO_REUSEPORT.
    pub reuseport: Option<bool>,
}
