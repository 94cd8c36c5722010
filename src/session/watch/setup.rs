//! Opens everything that a watch needs, and says with what rights it looks.

use super::choice::Choice;
use super::registry::ListenerRegistry;
use super::sampler::Sampler;
use super::syn_counter::SynCounter;
use super::taps::Taps;
use super::watcher::{LastReported, WatchSession};
use super::{AttachError, AttachPlan};
use crate::kernel::census::Census;
use crate::kernel::owners::Owners;
use crate::kernel::proc::{self, CountersFile};
use crate::model::event::Event;
use crate::model::message::Message;
use crate::model::watch::{Rights, Watching};
use crate::session::pump::Pump;
use crate::text::lang::in_keys;

pub(super) fn open(plan: AttachPlan, mut pump: Pump) -> Result<WatchSession, AttachError> {
    let clock = pump.clock;
    let census = Census::open()?;
    let counters = CountersFile::open().inspect_err(|error| tracing::warn!(%error, "no counters")).ok();
    let sysctls = proc::read_sysctls();
    let (taps, tap_refused) = Taps::open();
    let mut eyes = Sampler::new(census, Owners::open(), counters, sysctls.clone());
    eyes.look_at_all(&clock);
    let seen = eyes.look_for_all_owners(&clock);
    let owners_refused = in_keys(|| seen.limitation()).map(|why| Message::marked(&why));
    let rights = Rights { tap: tap_refused.is_none(), tap_refused, owners: seen.owner_scope(), owners_refused };
    let watching = Watching {
        kernel: proc::kernel_release(),
        pid: std::process::id(),
        rights,
        netns: plan.netns.clone(),
        target: plan.target.clone(),
        sysctls,
    };
    pump.opened = clock.now();
    let mut watcher = WatchSession {
        choice: Choice::new(plan.target.clone()),
        pump,
        plan,
        eyes,
        register: ListenerRegistry::default(),
        taps,
        door: SynCounter::default(),
        told: LastReported::default(),
    };
    watcher.pump.push(Event::Watching(Box::new(watching)));
    Ok(watcher)
}
