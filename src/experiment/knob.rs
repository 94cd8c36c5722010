//! A sysctl of the private network that a trial turns, and turns back whatever happens.

use super::{Bench, TrialError};
use crate::lab::knobs;
use crate::lab::namespace::SendPass;
use crate::model::experiment::Mood;
use crate::model::settings::Sysctl;

/// A sysctl that has another value for as long as this lives.
#[derive(Debug)]
pub(super) struct Turned {
    pass: SendPass,
    sysctl: Sysctl,
    /// Its value before.
    pub(super) before: i64,
}

impl Turned {
    /// Gives the sysctl this value.
    ///
    /// # Errors
    /// On the host, and where the kernel refuses.
    pub(super) fn new(bench: &mut Bench<'_>, sysctl: Sysctl, value: i64) -> Result<Self, TrialError> {
        let pass = bench.pass()?.clone();
        let before = knobs::read(sysctl.name())?;
        let turned = Self { pass, sysctl, before };
        turned.turn(bench, value)?;
        Ok(turned)
    }

    /// Gives it another value.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn turn(&self, bench: &mut Bench<'_>, value: i64) -> Result<(), TrialError> {
        let now = self.pass.write(self.sysctl, value)?;
        bench.line("kernel", self.sysctl.name(), now.to_string(), Mood::Plain);
        Ok(())
    }

    /// Turns it back and tells so.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn restore(self, bench: &mut Bench<'_>) -> Result<(), TrialError> {
        self.turn(bench, self.before)
    }
}

impl Drop for Turned {
    fn drop(&mut self) {
        if let Err(error) = self.pass.write(self.sysctl, self.before) {
            tracing::warn!(%error, "a trial's sysctl was not turned back");
        }
    }
}
