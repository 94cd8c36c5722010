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
