//! Trials on the real kernel, each in a private network, as an ordinary user and as root: what one measured is compared with what
//! this kernel is known to do. Nothing of it may be left behind.

#[path = "experiments/binding.rs"]
mod binding;
#[path = "experiments/connecting.rs"]
mod connecting;
#[path = "experiments/serving.rs"]
mod serving;
#[path = "experiments/stage.rs"]
mod stage;

use qviz::model::experiment::ExperimentId;

use stage::{Asked, facts_of};

use crate::needs::Missing;
use crate::who::Who;

case!(trials_are_carried_out_one_after_the_other, as Who::User, Who::Root);
fn trials_are_carried_out_one_after_the_other() -> Result<(), Missing> {
    let order = [ExperimentId::AcceptBlocks, ExperimentId::AcceptFifo, ExperimentId::AcceptBlocks];
    let facts = stage::facts_by(&Asked { trials: &order, ..Asked::default() })?;
    let begins: Vec<_> = facts.begun.iter().map(|(trial, _)| *trial).collect();
    assert_eq!((begins, facts.trials.done, &facts.trials.failed), (order.to_vec(), 3, &None));
    for ((_, end), (_, begin)) in facts.ended.iter().zip(&facts.begun[1..]) {
        assert!(begin >= end, "a trial began at {begin}, before the one before had ended at {end}");
    }
    Ok(())
}

case!(a_trial_under_way_ends_with_its_session, as Who::User, Who::Root);
fn a_trial_under_way_ends_with_its_session() -> Result<(), Missing> {
    let facts = stage::facts_by(&Asked {
        trials: &[ExperimentId::AcceptBlocks, ExperimentId::AcceptFifo],
        hurried: true,
        ..Asked::default()
    })?;
    assert_eq!(facts.ended.len(), 1, "the one that waited never began: {:?}", facts.begun);
    assert_eq!(facts.failed().as_deref(), Some("it was stopped"));
    Ok(())
}

case!(the_children_of_a_trial_under_way_end_with_it, as Who::User, Who::Root);
/// That none is left is looked at for every session: here while the child still has work to do.
fn the_children_of_a_trial_under_way_end_with_it() -> Result<(), Missing> {
    let facts = stage::facts_by(&Asked { trials: &[ExperimentId::ForkLeak], hurried: true, ..Asked::default() })?;
    let first = facts.trials.lines.first().map(|(_, line)| line.call.to_string());
    assert_eq!((first.as_deref(), facts.failed().as_deref()), (Some("fork(), setrlimit()"), Some("it was stopped")));
    Ok(())
}

case!(more_trials_than_may_wait_are_refused, as Who::User, Who::Root);
fn more_trials_than_may_wait_are_refused() -> Result<(), Missing> {
    // One runs, sixteen wait.
    let facts =
        stage::facts_by(&Asked { trials: &[ExperimentId::AcceptBlocks; 18], hurried: true, ..Asked::default() })?;
    assert_eq!(facts.refused, ["accept-blocks is not begun: 16 trials wait already"]);
    Ok(())
}

case!(accept_takes_the_first_that_came, as Who::User, Who::Root);
fn accept_takes_the_first_that_came() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::AcceptFifo)?;
    assert_eq!((facts["fifo-clients"], facts["fifo-in-turn"]), (6.0, 6.0), "{:?}", facts.trials.lines);
    assert_eq!((facts.calls("accept()"), facts["fifo-first-taken"]), (6, 1.0));
    Ok(())
}

case!(accept_on_an_empty_queue_sleeps_or_says_eagain, as Who::User, Who::Root);
fn accept_on_an_empty_queue_sleeps_or_says_eagain() -> Result<(), Missing> {
    let facts = facts_of(ExperimentId::AcceptBlocks)?;
    assert_eq!((facts["nonblocking-errno"], facts["nonblocking-eagain"], facts["blocking-sleeps"]), (11.0, 1.0, 1.0));
    assert_eq!(facts["blocking-woken"], 1.0);
    assert!(facts["blocking-slept-ms"] >= 400.0 && facts["blocking-woke-ms"] < facts["blocking-slept-ms"]);
    Ok(())
}
