//! The results of the experiments beside the listener.

use std::collections::BTreeMap;

use crate::model::experiment::{CallRecord, ExperimentFact, ExperimentId};
use crate::model::message::Message;
use crate::model::stamp::Stamp;

/// The results of the experiments of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentResults {
    /// The running one.
    pub running: Option<ExperimentId>,
    /// The recorded calls, oldest first; bounded.
    pub lines: Vec<(Stamp, CallRecord)>,
    /// Indexes of the first call of each experiment, oldest first.
    pub starts: Vec<usize>,
    /// What was measured, by name.
    pub measured: BTreeMap<String, f64>,
    /// The names measured by the last experiment, in order.
    pub newest: Vec<String>,
    /// Experiments that have ended.
    pub done: u32,
    /// Why the last one failed.
    pub failed: Option<Message>,
}

impl ExperimentResults {
    /// Takes one fact.
    pub fn apply(&mut self, at: Stamp, fact: &ExperimentFact) {
        match fact {
            ExperimentFact::Began(trial) => {
                self.running = Some(*trial);
                self.failed = None;
                self.newest.clear();
                if self.starts.last() != Some(&self.lines.len()) {
                    self.starts.push(self.lines.len());
                }
            }
            ExperimentFact::Line(line) => {
                if self.lines.len() == MOST_LINES {
                    self.lines.remove(0);
                    self.starts.retain(|start| *start > 0);
                    self.starts.iter_mut().for_each(|start| *start -= 1);
                }
                self.lines.push((at, line.clone()));
            }
            ExperimentFact::Measured { name, value } => {
                self.measured.insert(name.clone(), *value);
                if !self.newest.contains(name) {
                    self.newest.push(name.clone());
                }
            }
            ExperimentFact::Ended { failed, .. } => {
                self.running = None;
                self.done += 1;
                self.failed.clone_from(failed);
            }
        }
    }
}

/// Calls kept.
const MOST_LINES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::experiment::CallOutcome;

    #[test]
    fn what_a_trial_measured_outlives_it() {
        let mut trials = ExperimentResults::default();
        let at = Stamp::from_millis(5);
        trials.apply(at, &ExperimentFact::Began(ExperimentId::BindFour));
        assert_eq!(trials.running, Some(ExperimentId::BindFour));
        trials.apply(at, &ExperimentFact::Measured { name: "rows".into(), value: 4.0 });
        trials.apply(at, &ExperimentFact::Ended { trial: ExperimentId::BindFour, failed: None });
        assert_eq!((trials.running, trials.done, trials.measured["rows"]), (None, 1, 4.0));
    }

    #[test]
    fn each_trial_has_its_own_first_line_and_its_own_names() {
        let mut trials = ExperimentResults::default();
        let mut apply = |fact: &ExperimentFact| trials.apply(Stamp::ZERO, fact);
        let line = || {
            ExperimentFact::Line(CallRecord {
                who: "server".into(),
                call: "close()".into(),
                outcome: "0".into(),
                mood: CallOutcome::Good,
            })
        };
        let measured = |name: &str| ExperimentFact::Measured { name: name.into(), value: 1.0 };
        apply(&ExperimentFact::Began(ExperimentId::BindFour));
        (0..3).for_each(|_| apply(&line()));
        apply(&measured("rows"));
        apply(&ExperimentFact::Began(ExperimentId::BindInUse));
        apply(&line());
        for name in ["try-10", "try-2", "try-10"] {
            apply(&measured(name));
        }
        assert_eq!((&trials.starts[..], &trials.newest[..]), (&[0, 3][..], &["try-10".to_owned(), "try-2".into()][..]));
        assert_eq!(trials.measured.len(), 3, "what was measured before is still known");
        (0..MOST_LINES - 2).for_each(|_| trials.apply(Stamp::ZERO, &line()));
        assert_eq!((trials.lines.len(), &trials.starts[..]), (MOST_LINES, &[1][..]), "two lines have left");
    }
}
