//! Which options of a kind were given.

use super::{ClientArgs, KernelArgs};

impl ClientArgs {
    /// The options that were given and mean packet-level clients alone.
    pub fn wire_only(&self) -> Vec<&'static str> {
        let options =
            [(self.rtt.is_some(), "--rtt"), (self.jitter.is_some(), "--jitter"), (self.loss.is_some(), "--loss")];
        options.into_iter().filter(|(is_given, _)| *is_given).map(|(_, name)| name).collect()
    }
}

impl KernelArgs {
    /// The options that were given, as they are written.
    pub fn given(&self) -> Vec<&'static str> {
        let options = [
            (self.syncookies, "--syncookies"),
            (self.abort_on_overflow, "--abort-on-overflow"),
            (self.max_syn_backlog, "--max-syn-backlog"),
            (self.somaxconn, "--somaxconn"),
            (self.synack_retries, "--synack-retries"),
            (self.syn_retries, "--syn-retries"),
        ];
        options.into_iter().filter(|(value, _)| value.is_some()).map(|(_, name)| name).collect()
    }
}
