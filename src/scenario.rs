//! WHAT HAPPENS WHEN: commands at stamps, and lessons made of them. Pure.

use crate::model::command::Command;
use crate::model::stamp::Stamp;

pub mod chapter;
pub mod condition;
pub mod facts;
pub mod holes;
pub mod lesson;
pub mod library;
pub mod outcome;
pub mod parse;
pub mod player;
pub mod words;

/// Commands in the order of their stamps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    steps: Vec<(Stamp, Command)>,
    done: usize,
}

impl Script {
    /// A script of these steps; steps of the same stamp keep their order.
    pub fn new(mut steps: Vec<(Stamp, Command)>) -> Self {
        steps.sort_by_key(|(at, _)| *at);
        Self { steps, done: 0 }
    }

    /// The commands due up to `now` that were not returned before.
    pub fn due(&mut self, now: Stamp) -> &[(Stamp, Command)] {
        let first = self.done;
        while self.steps.get(self.done).is_some_and(|(at, _)| *at <= now) {
            self.done += 1;
        }
        &self.steps[first..self.done]
    }

    /// When the next command is due.
    pub fn next(&self) -> Option<Stamp> {
        self.steps.get(self.done).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_given_once_and_in_time() {
        let at = Stamp::from_millis;
        let mut script = Script::new(vec![(at(20), Command::Burst(2)), (at(10), Command::Burst(1))]);
        assert_eq!(script.next(), Some(at(10)));
        assert_eq!(script.due(at(9)), []);
        assert_eq!(script.due(at(10)), [(at(10), Command::Burst(1))]);
        assert_eq!(script.due(at(99)), [(at(20), Command::Burst(2))]);
        assert_eq!(script.due(at(99)), []);
        assert_eq!(script.next(), None);
    }
}
