//! A sysctl of the private network that an experiment changes, and restores in any case.

use super::{Experiment, ExperimentError};
use crate::lab::knobs;
use crate::lab::namespace::NetnsToken;
use crate::model::experiment::CallOutcome;
use crate::model::settings::Sysctl;

/// A changed sysctl; dropping this restores it.
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
    pub(super) fn new(experiment: &mut Experiment<'_>, sysctl: Sysctl, value: i64) -> Result<Self, ExperimentError> {
        let token = experiment.token()?.clone();
        let before = knobs::read(sysctl.name())?;
        let changed = Self { token, sysctl, before };
        changed.set(experiment, value)?;
        Ok(changed)
    }

    /// Gives it another value.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn set(&self, experiment: &mut Experiment<'_>, value: i64) -> Result<(), ExperimentError> {
        let now = self.token.write(self.sysctl, value)?;
        experiment.record_call("kernel", self.sysctl.name(), now.to_string(), CallOutcome::Plain);
        Ok(())
    }

    /// Restores the old value and records it.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn restore(self, experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        self.set(experiment, self.before)
    }
}

impl Drop for SysctlOverride {
    fn drop(&mut self) {
        if let Err(error) = self.token.write(self.sysctl, self.before) {
            tracing::warn!(%error, "a trial's sysctl was not turned back");
        }
    }
}
