//! When an unanswered SYN is retransmitted and when the client gives up: the kernel's arithmetic and its timer wheel.
//!
//! The arithmetic (`tcp_write_timeout`, `tcp_retransmit_timer`, net/ipv4/tcp_timer.c) says 0,1,2,3,4,5,7,11,19,35,67
//! s and 131 s for six retries with four linear ones. On the wire one measures 69 s and 135 s, because the timer
//! wheel rounds long waits up: see [`timer_wheel_expiry`].

use std::time::Duration;

use crate::model::settings::{Sysctl, Sysctls};
use crate::model::stamp::Stamp;

/// The retries of a SYN under `tcp_syn_retries` and `tcp_syn_linear_timeouts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynSchedule {
    retries: u8,
    linear: u8,
}

impl SynSchedule {
    /// `retries` doubling ones (1–127) and `linear` ones before them, one second apart (0–127; 0 before Linux 6.5).
    pub const fn new(retries: u8, linear: u8) -> Self {
        let longest = i8::MAX as u8;
        Self {
            retries: if retries > longest { longest } else { retries },
            linear: if linear > longest { longest } else { linear },
        }
    }

    /// From the sysctls; six retries when `tcp_syn_retries` could not be read, no linear ones when the kernel has no
    /// such sysctl.
    pub fn of(sysctls: &Sysctls) -> Self {
        let count = |sysctl, otherwise| {
            sysctls.value(sysctl).map_or(otherwise, |value| u8::try_from(value.clamp(0, 127)).unwrap_or(otherwise))
        };
        Self::new(count(Sysctl::SynRetries, DEFAULT_RETRIES), count(Sysctl::SynLinearTimeouts, 0))
    }

    /// The maximum number of SYN retransmissions.
    pub const fn retries(self) -> u8 {
        self.retries + self.linear
    }

    /// When the timer after the `tries`-th SYN (from 1), sent at `sent`, expires: another SYN, or the end.
    pub fn next_after(self, tries: u8, sent: Stamp) -> Stamp {
        timer_wheel_expiry(sent, self.wait(tries))
    }

    fn wait(self, tries: u8) -> Duration {
        let doublings = tries.saturating_sub(1).saturating_sub(self.linear).min(7);
        (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT)
    }
}

/// When a kernel timer fires that is set at `now` for `delay`: never early, and late by up to an eighth of the delay,
/// because each level of the wheel is eight times coarser than the one before (`calc_index`, kernel/time/timer.c).
/// Computed for 250 ticks per second, the commonest setting; measured with it on 6.18: the SYN after 32 s came 32.2 to
/// 34.1 s later, depending on the phase.
pub fn timer_wheel_expiry(now: Stamp, delay: Duration) -> Stamp {
    let ticks = delay.as_nanos().div_ceil(TICK.as_nanos()) as u64;
    let expires = now.as_nanos() / TICK.as_nanos() as u64 + ticks;
    let mut shift = 0;
    while ticks >= LEVEL_SLOTS << shift && shift < COARSEST {
        shift += LEVEL_SHIFT;
    }
    let fires = ((expires >> shift) + 1) << shift;
    Stamp::from_nanos(fires * TICK.as_nanos() as u64)
}

/// The default of `tcp_syn_retries`.
const DEFAULT_RETRIES: u8 = 6;
/// TCP_TIMEOUT_INIT (include/net/tcp.h).
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// TCP_RTO_MAX (include/net/tcp.h).
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 60);
/// One jiffy with CONFIG_HZ=250.
const TICK: Duration = Duration::from_millis(4);
/// LVL_START: a delay of so many slots belongs to the next level.
const LEVEL_SLOTS: u64 = 63;
/// LVL_CLK_SHIFT: each level is eight times coarser.
const LEVEL_SHIFT: u32 = 3;
/// The shift of the coarsest level (LVL_DEPTH 9).
const COARSEST: u32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    /// When each SYN leaves a client that starts at zero on the kernel's timer wheel, and when it gives up.
    fn on_time(schedule: SynSchedule) -> Vec<Duration> {
        let mut sent = vec![Stamp::ZERO];
        for tries in 1..=schedule.retries() + 1 {
            sent.push(schedule.next_after(tries, sent[usize::from(tries) - 1]));
        }
        sent.into_iter().map(|at| at.since(Stamp::ZERO)).collect()
    }

    /// The same by pure arithmetic, without the wheel's rounding: the earliest moments.
    fn at_the_earliest(schedule: SynSchedule) -> Vec<Duration> {
        let wait = |waits: u8| (1..=waits).map(|tries| schedule.wait(tries)).sum();
        (0..=schedule.retries() + 1).map(wait).collect()
    }

    fn seconds(moments: &[Duration]) -> Vec<u64> {
        moments.iter().map(Duration::as_secs).collect()
    }

    /// Linux 6.18.44, HZ=250, tcp_syn_retries 6, tcp_syn_linear_timeouts 4, eight connects of different phase: the last
    /// retry came at 67.94 to 69.75 s, ETIMEDOUT at 133.5 to 135.3 s.
    #[test]
    fn six_retries_with_four_linear_ones_come_as_measured() {
        let schedule = SynSchedule::new(6, 4);
        assert_eq!(seconds(&on_time(schedule)), [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 69, 135]);
    }

    #[test]
    fn the_arithmetic_alone_gives_the_earliest_moments() {
        let schedule = SynSchedule::new(6, 4);
        assert_eq!(seconds(&at_the_earliest(schedule)), [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131]);
    }

    #[test]
    fn without_linear_retries_every_wait_doubles() {
        let schedule = SynSchedule::new(6, 0);
        assert_eq!(seconds(&at_the_earliest(schedule)), [0, 1, 3, 7, 15, 31, 63, 127]);
        assert_eq!(seconds(&on_time(schedule)), [0, 1, 3, 7, 15, 31, 65, 131]);
    }

    #[test]
    fn an_unknown_linear_sysctl_means_none() {
        let mut sysctls = Sysctls::default();
        assert_eq!(SynSchedule::of(&sysctls), SynSchedule::new(6, 0));
        sysctls.set(Sysctl::SynRetries, 2);
        sysctls.set(Sysctl::SynLinearTimeouts, 4);
        assert_eq!(SynSchedule::of(&sysctls), SynSchedule::new(2, 4));
    }

    #[test]
    fn no_wait_is_longer_than_the_kernels_longest() {
        let schedule = SynSchedule::new(127, 127);
        assert_eq!(schedule.wait(schedule.retries() + 1), LONGEST_WAIT);
        assert!(on_time(schedule).last() > at_the_earliest(schedule).last());
    }

    #[test]
    fn in_every_phase_the_wheel_is_late_by_at_most_an_eighth() {
        for phase_ms in (0..2100).step_by(7) {
            for delay_ms in [4, 200, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 120_000] {
                let now = Stamp::from_millis(phase_ms);
                let delay = Duration::from_millis(delay_ms);
                let late = timer_wheel_expiry(now, delay).since(now + delay);
                assert!(
                    timer_wheel_expiry(now, delay) >= now + delay && late <= delay / 8 + TICK,
                    "{phase_ms} {delay_ms} {late:?}"
                );
            }
        }
    }
}
