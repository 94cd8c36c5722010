//! The clients' time: it can run slower than the session's, be held, and be advanced step by step. It applies to what qviz itself
//! makes (packet-level clients, their network, the server's valve); the kernel keeps its own time.

use std::time::Duration;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use super::segment::Kind;
use super::stamp::Stamp;

/// A command to the clients' time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepCommand {
    /// Hold it.
    Hold,
    /// Carry out exactly one step: the one that is due first. Running time is held instead.
    Next,
    /// Let it run again from where it was held.
    Go,
}

/// The step that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// A segment left the client.
    Left(Kind),
    /// A segment reached the listener's end, where the kernel has it.
    Reached(Kind),
    /// A segment of the listener came back to the client.
    CameBack(Kind),
    /// The client's timeout expired.
    GaveUp,
    /// The server called `accept()` once.
    Accepted,
    /// The server was done with a connection.
    Served,
}

/// How the clients' time follows from the session's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientClock {
    /// The moment of the session from which this holds.
    pub since: Stamp,
    /// The clients' time at that moment.
    pub clients: Stamp,
    /// Client seconds per second of the session, [`ClientClock::SLOWEST`] to 1.
    #[serde(deserialize_with = "possible")]
    pub pace: f64,
    /// True while held.
    pub held: bool,
}

impl Default for ClientClock {
    /// The session's own time.
    fn default() -> Self {
        Self { since: Stamp::ZERO, clients: Stamp::ZERO, pace: 1.0, held: false }
    }
}

impl ClientClock {
    /// The slowest pace.
    pub const SLOWEST: f64 = 0.01;

    /// The clients' time at a moment of the session.
    pub fn at(&self, now: Stamp) -> Stamp {
        let passed = now.since(self.since);
        match self.pace {
            _ if self.held => self.clients,
            1.0 => self.clients + passed,
            pace => self.clients + passed.mul_f64(pace),
        }
    }

    /// The moment of the session at which the clients' time reaches (or reached) `clients`, if it is not held or slowed again.
    /// Moments before the last change map to that change.
    pub fn moment(&self, clients: Stamp) -> Stamp {
        let ahead = clients.since(self.clients);
        match self.pace {
            1.0 => self.since + ahead,
            pace if ahead > Duration::ZERO => self.since + ahead.div_f64(pace) + Duration::from_nanos(1),
            _ => self.since,
        }
    }

    /// Holds the time from `now` on.
    pub fn hold(&mut self, now: Stamp) {
        *self = Self { held: true, ..self.turned(now) };
    }

    /// Lets the time run from `now` on.
    pub fn go(&mut self, now: Stamp) {
        *self = Self { held: false, ..self.turned(now) };
    }

    /// Sets the pace from `now` on, clamped to [`ClientClock::SLOWEST`] to 1.
    pub fn set_pace(&mut self, now: Stamp, pace: f64) {
        let pace = if pace > 0.0 { pace.clamp(Self::SLOWEST, 1.0) } else { 1.0 };
        *self = Self { pace, ..self.turned(now) };
    }

    /// Sets the time at `now` to `clients`; it never goes backwards.
    pub fn advance(&mut self, now: Stamp, clients: Stamp) {
        let turned = self.turned(now);
        *self = Self { clients: clients.max(turned.clients), ..turned };
    }

    fn turned(&self, now: Stamp) -> Self {
        Self { since: now.max(self.since), clients: self.at(now), ..*self }
    }
}

/// A pace as it can be recorded.
fn possible<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let pace = f64::deserialize(deserializer)?;
    if (ClientClock::SLOWEST..=1.0).contains(&pace) {
        Ok(pace)
    } else {
        Err(D::Error::invalid_value(Unexpected::Float(pace), &"a pace from 0.01 to 1"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(millis: u64) -> Stamp {
        Stamp::from_millis(millis)
    }

    #[test]
    fn untouched_it_is_the_sessions_time() {
        let tempo = ClientClock::default();
        assert_eq!((tempo.at(ms(1234)), tempo.moment(ms(77))), (ms(1234), ms(77)));
    }

    #[test]
    fn held_time_stands_still_and_goes_on_where_it_stood() {
        let mut tempo = ClientClock::default();
        tempo.hold(ms(100));
        assert_eq!(tempo.at(ms(90_000)), ms(100));
        tempo.advance(ms(500), ms(140));
        tempo.go(ms(1000));
        assert_eq!((tempo.at(ms(1010)), tempo.moment(ms(150))), (ms(150), ms(1010)));
    }

    #[test]
    fn slow_motion_holds_from_its_beginning() {
        let mut tempo = ClientClock::default();
        tempo.set_pace(ms(100), 0.25);
        assert_eq!(tempo.at(ms(500)), ms(200));
        tempo.set_pace(ms(500), 1.0);
        assert_eq!(tempo.at(ms(600)), ms(300));
    }

    #[test]
    fn a_pace_that_cannot_be_is_not_read() {
        for pace in ["-1.0", "0.0", "1e308", "0.001", "1.5"] {
            let text = format!(r#"{{"since":0,"clients":0,"pace":{pace},"held":false}}"#);
            assert!(serde_json::from_str::<ClientClock>(&text).is_err(), "{pace}");
        }
        let slow = r#"{"since":0,"clients":0,"pace":0.01,"held":false}"#;
        assert_eq!(serde_json::from_str::<ClientClock>(slow).unwrap().pace.to_bits(), ClientClock::SLOWEST.to_bits());
    }

    proptest! {
        #[test]
        fn at_its_moment_a_time_has_come_and_time_never_runs_backwards(
            turns in prop::collection::vec((0..5_000_u64, 0..4_u8, 0.0..1.2_f64), 0..20),
            ahead in 0..10_000_000_000_u64,
        ) {
            let (mut tempo, mut now, mut before) = (ClientClock::default(), Stamp::ZERO, Stamp::ZERO);
            for (gap, what, pace) in turns {
                now = now + Duration::from_millis(gap);
                match what {
                    0 => tempo.hold(now),
                    1 => tempo.go(now),
                    2 => tempo.set_pace(now, pace),
                    _ => tempo.advance(now, Stamp::from_millis(gap)),
                }
                prop_assert!(tempo.at(now) >= before);
                before = tempo.at(now);
            }
            tempo.go(now);
            let wanted = tempo.clients + Duration::from_nanos(ahead);
            prop_assert!(tempo.at(tempo.moment(wanted)) >= wanted);
        }
    }
}
