//! Opens everything that a watch needs, and records with what rights it reads.

use super::choice::Choice;
use super::registry::ListenerRegistry;
use super::sampler::Sampler;
use super::syn_counter::SynCounter;
use super::taps::Taps;
use super::watcher::{LastReported, WatchSession};
use super::{WatchError, WatchSessionPlan};
use crate::kernel::census::Census;
use crate::kernel::owners::Owners;
use crate::kernel::proc::{self, CountersFile};
use crate::model::event::Event;
use crate::model::message::Message;
use crate::model::watch::{Rights, Watching};
use crate::session::pump::Pump;
use crate::text::lang::in_keys;

pub(super) fn open(plan: WatchSessionPlan, mut pump: Pump) -> Result<WatchSession, WatchError> {
    let clock = pump.clock;
    let census = Census::open()?;
    let counters = CountersFile::open().inspect_err(|error| tracing::warn!(%error, "no counters")).ok();
    let sysctls = proc::read_sysctls();
    let (taps, tap_refused) = Taps::open(&clock);
    let mut sampler = Sampler::new(census, Owners::open(), counters, sysctls.clone());
    sampler.read_listeners(&clock);
    let seen = sampler.read_all_owners(&clock);
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
    let mut session = WatchSession {
        choice: Choice::new(plan.target.clone()),
        pump,
        plan,
        sampler,
        registry: ListenerRegistry::default(),
        taps,
        syn_counter: SynCounter::default(),
        last_reported: LastReported::default(),
    };
    session.pump.push(Event::Watching(Box::new(watching)));
    Ok(session)
}
