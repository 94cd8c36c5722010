//! A sysctl of the private network that a trial turns, and turns back whatever happens.

use super::{Experiment, ExperimentError};
use crate::lab::knobs;
use crate::lab::namespace::NetnsToken;
use crate::model::experiment::CallOutcome;
use crate::model::settings::Sysctl;

/// A sysctl that has another value for as long as this lives.
#[derive(Debug)]
pub(super) struct SysctlOverride {
    token: NetnsToken,
    sysctl: Sysctl,
    /// Its value before.
    pub(super) before: i64,
}

impl SysctlOverride {
    /// Gives the sysctl this value.
    ///
    /// # Errors
    /// On the host, and where the kernel refuses.
    pub(super) fn new(bench: &mut Experiment<'_>, sysctl: Sysctl, value: i64) -> Result<Self, ExperimentError> {
        let pass = bench.token()?.clone();
        let before = knobs::read(sysctl.name())?;
        let turned = Self { token: pass, sysctl, before };
        turned.set(bench, value)?;
        Ok(turned)
    }

    /// Gives it another value.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn set(&self, bench: &mut Experiment<'_>, value: i64) -> Result<(), ExperimentError> {
        let now = self.token.write(self.sysctl, value)?;
        bench.record_call("kernel", self.sysctl.name(), now.to_string(), CallOutcome::Plain);
        Ok(())
    }

    /// Turns it back and tells so.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn restore(self, bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        self.set(bench, self.before)
    }
}

impl Drop for SysctlOverride {
    fn drop(&mut self) {
        if let Err(error) = self.token.write(self.sysctl, self.before) {
            tracing::warn!(%error, "a trial's sysctl was not turned back");
        }
    }
}
