//! `qviz sweep`: the same clients against several backlogs, accept rates or numbers of workers; measured beside predicted.

use std::io::IsTerminal;
use std::time::Duration;

use self::bench::{Bench, Stop};
use self::search::Search;
use super::args::SweepArgs;
use super::environment::RunEnvironment;
use super::exit::{Exit, Failure};
use super::lab;
use super::output::{self, Output, Written};
use super::plan::{LabPlan, PlanEnv};
use super::values::Backlogs;
use crate::fold::prediction::{self, Offer, Service};
use crate::kernel::proc;
use crate::model::queue;
use crate::model::settings::{Arrivals, Knobs, Sysctl, Sysctls};
use crate::report::json;
use crate::report::sweep::{Advice, Row, Sweep, svg};
use crate::say;
use crate::session::live::LabSite;

mod advice;
mod bench;
mod search;

/// Makes the runs and prints what came of them.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &SweepArgs) -> Result<Exit, Failure> {
    let variants = variants(args)?;
    let Some(first) = variants.first() else { return Ok(Exit::Success) };
    somebody_comes(&first.knobs)?;
    lab::enough_descriptors()?;
    let host = proc::read_sysctls();
    let environment = RunEnvironment::find(first, &host)?;
    for remark in &environment.remarks {
        output::report(say!("note: {remark}", remark));
    }
    let span = length(first);
    lab::runtime()?.block_on(async {
        let mut runs = Runs {
            offer: offer(first, span, &environment),
            sysctls: in_force(&host, &first.overrides),
            sweep: Sweep::new(first.seed, span.1.as_secs_f64()),
            bench: Bench::new(environment, host, first, span)?,
            repeat: args.repeat,
            progress: std::io::stderr().is_terminal(),
        };
        let stopped = match runs.all(args, &variants).await {
            Ok(advice) => {
                runs.sweep.advice = advice;
                None
            }
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Signal(number)) => {
                say!("a signal ended it").clone_into(&mut runs.sweep.advice.sentence);
                Some(number)
            }
        };
        let exit = print(args, &runs.sweep);
        stopped.map_or(exit, |number| Ok(Exit::Signal(number)))
    })
}

/// Everything that the runs share.
struct Runs {
    bench: Bench,
    offer: Offer,
    /// The settings of the private network.
    sysctls: Sysctls,
    sweep: Sweep,
    repeat: u32,
    progress: bool,
}

impl Runs {
    /// All variants. The advice is that of the first in which some backlog loses nobody, else what would cure the last.
    async fn all(&mut self, args: &SweepArgs, variants: &[LabPlan]) -> Result<Advice, Stop> {
        let mut best = None;
        let mut without = None;
        for plan in variants {
            let (found, largest) = match &args.backlog {
                Backlogs::List(list) => (self.list(plan, list).await?, list.last().copied().unwrap_or_default()),
                Backlogs::Range(low, high) => (self.search(plan, *low, *high).await?, *high),
            };
            let knobs = with_backlog(plan, found.unwrap_or(largest));
            if found.is_none() || self.is_overload(&knobs) {
                without = Some(knobs);
            } else {
                best = best.or(Some(knobs));
            }
        }
        match (best, without) {
            (Some(knobs), _) => Ok(self.found(&args.backlog, &knobs)),
            (None, Some(knobs)) => self.cure(&knobs).await,
            (None, None) => Ok(Advice::default()),
        }
    }

    /// Tries each; the smallest that loses nobody. A larger one that loses somebody refutes the smaller ones.
    async fn list(&mut self, plan: &LabPlan, list: &[i32]) -> Result<Option<i32>, Stop> {
        for backlog in list {
            self.measure(&with_backlog(plan, *backlog)).await?;
        }
        let wins = |backlog: &&i32| self.lost(&with_backlog(plan, **backlog)) == 0;
        Ok(list.iter().rev().take_while(wins).last().copied())
    }

    /// The smallest backlog of the range that loses nobody, in two runs at least.
    async fn search(&mut self, plan: &LabPlan, low: i32, high: i32) -> Result<Option<i32>, Stop> {
        let mut search = Search::new(low, high, self.foreseen(&plan.knobs, high));
        loop {
            while let Some(backlog) = search.next() {
                let lost = self.measure(&with_backlog(plan, backlog)).await?;
                search.answer(backlog, lost > 0);
            }
            let Some(found) = search.found() else { return Ok(None) };
            let knobs = with_backlog(plan, found);
            if self.sweep.row(&knobs).is_some_and(|row| row.runs > self.repeat) {
                return Ok(Some(found));
            }
            let lost = self.measure(&knobs).await?;
            search.answer(found, lost > 0);
        }
    }

    /// Makes the runs with these settings; how many clients the worst of them lost.
    async fn measure(&mut self, knobs: &Knobs) -> Result<u64, Stop> {
        let mut most = 0;
        for _ in 0..self.repeat {
            let measured = self.bench.measure(knobs.clone()).await?;
            let summary = &measured.summary;
            let capacity = summary.listener.accept_capacity.unwrap_or_else(|| self.capacity(knobs.backlog));
            let prediction = self.predict(knobs, capacity);
            let row = Row::of(knobs, summary, measured.clients_hit, prediction);
            if self.progress {
                output::report(say!(
                    "backlog {backlog}: {lost} of {started} clients lost",
                    backlog = row.backlog,
                    lost = row.lost,
                    started = row.started
                ));
            }
            most = most.max(row.lost);
            self.sweep.kernel.clone_from(&summary.kernel);
            self.sweep.rung = summary.rung;
            self.sweep.take(knobs, row, prediction.map(|prediction| prediction.model));
        }
        Ok(most)
    }

    fn lost(&self, knobs: &Knobs) -> u64 {
        self.sweep.row(knobs).map_or(0, |row| row.lost)
    }

    /// Where a search begins: the smallest backlog at which nobody is expected to be lost, as far as that can be foretold: one that holds
    /// a whole burst, otherwise.
    fn foreseen(&self, knobs: &Knobs, high: i32) -> i64 {
        let (mut low, mut high) = (-1, i64::from(high));
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            let knobs = Knobs { backlog: i32::try_from(middle).unwrap_or(i32::MAX), ..knobs.clone() };
            let capacity = self.capacity(knobs.backlog);
            let lost = self
                .predict(&knobs, capacity)
                .map_or(u64::from(capacity) < self.offer.at_once(), |prediction| prediction.clients_hit >= 0.5);
            *(if lost { &mut low } else { &mut high }) = middle;
        }
        high
    }

    /// What is to be expected; `None` where `accept()` is a program's own.
    fn predict(&self, knobs: &Knobs, capacity: u32) -> Option<prediction::Prediction> {
        if self.bench.has_program() {
            return None;
        }
        let service = Service::of(knobs.accept_rate, knobs.workers, knobs.service);
        Some(prediction::predict(&self.offer, service, capacity, self.syn_capacity(capacity)))
    }

    /// How many connections fit: one more than min(backlog, somaxconn).
    fn capacity(&self, backlog: i32) -> u32 {
        let somaxconn = self.sysctls.value(Sysctl::Somaxconn).and_then(|most| u32::try_from(most).ok());
        queue::accept_capacity(backlog.cast_unsigned().min(somaxconn.unwrap_or(u32::MAX)))
    }

    /// How many half-open requests fit: as many as connections; with SYN cookies more are answered all the same.
    fn syn_capacity(&self, capacity: u32) -> Option<u32> {
        (self.sysctls.value(Sysctl::Syncookies) == Some(0)).then_some(capacity)
    }
}

/// A plan for each accept rate and each number of workers.
fn variants(args: &SweepArgs) -> Result<Vec<LabPlan>, Failure> {
    let rates: Vec<_> =
        if args.accept_rate.is_empty() { vec![None] } else { args.accept_rate.iter().copied().map(Some).collect() };
    let workers: Vec<_> =
        if args.workers.is_empty() { vec![None] } else { args.workers.iter().copied().map(Some).collect() };
    let here = PlanEnv { screen: false, keys: false };
    let both = rates.iter().flat_map(|rate| workers.iter().map(|workers| (*rate, *workers)));
    both.map(|(rate, workers)| {
        let lab = args.lab(0, rate, workers);
        args.program(&lab).map_or_else(|| LabPlan::new(&lab, here), |program| LabPlan::of_program(&program, here))
    })
    .collect()
}

fn with_backlog(plan: &LabPlan, backlog: i32) -> Knobs {
    Knobs { backlog, ..plan.knobs.clone() }
}

fn somebody_comes(knobs: &Knobs) -> Result<(), Failure> {
    if matches!(knobs.arrivals, Arrivals::Steady | Arrivals::Poisson) && knobs.rate <= 0.0 {
        return Err(Failure::usage(
            say!("--rate 0: without clients there is nothing to compare"),
            say!("--rate 100, or --arrivals burst:100/2s"),
        ));
    }
    Ok(())
}

/// How many clients a run has, and how long it lasts: three bursts or waves, or ten seconds.
fn length(plan: &LabPlan) -> (Option<u64>, Duration) {
    let knobs = &plan.knobs;
    let way = (knobs.rtt + knobs.jitter) * 2;
    let (count, duration) = match knobs.arrivals {
        Arrivals::Steady | Arrivals::Poisson => {
            let needed =
                plan.count.map(|count| Duration::try_from_secs_f64(count as f64 / knobs.rate).unwrap_or(LONGEST));
            (plan.count, needed.map_or(USUAL, |needed| needed + AFTER + way))
        }
        Arrivals::Burst { size, period } | Arrivals::Wave { size, period } => {
            let count =
                if plan.duration.is_some() { plan.count } else { plan.count.or(Some(u64::from(size) * BURSTS)) };
            let periods = count.unwrap_or(u64::from(size) * BURSTS).div_ceil(u64::from(size).max(1));
            (count, period.saturating_mul(u32::try_from(periods).unwrap_or(u32::MAX)).saturating_add(way))
        }
    };
    (count, plan.duration.unwrap_or(duration.min(LONGEST)))
}

fn offer(plan: &LabPlan, (count, duration): (Option<u64>, Duration), environment: &RunEnvironment) -> Offer {
    let knobs = &plan.knobs;
    let far = !matches!(environment.place, LabSite::Host { .. });
    let (rtt, jitter) = if far { (knobs.rtt, knobs.jitter) } else { (Duration::ZERO, Duration::ZERO) };
    Offer { arrivals: knobs.arrivals, rate: knobs.rate, count, duration, rtt, jitter, half_open: knobs.half_open }
}

/// The host's settings with what was asked for.
fn in_force(host: &Sysctls, overrides: &Sysctls) -> Sysctls {
    let mut sysctls = host.clone();
    for (sysctl, value) in overrides.iter() {
        if let Some(value) = value {
            sysctls.set(sysctl, value);
        }
    }
    sysctls
}

fn print(args: &SweepArgs, sweep: &Sweep) -> Result<Exit, Failure> {
    if let Some(path) = &args.svg {
        output::to_file(path, |out| svg::write(out, sweep))?;
        if path.as_os_str() == "-" {
            return Ok(Exit::Success);
        }
    }
    let (Written::Taken | Written::PipeClosed) =
        Output::stdout().put(|out| if args.json { json::write(out, sweep) } else { sweep.write(out) })?;
    Ok(Exit::Success)
}

/// Bursts or waves of a run where nothing else was asked for.
const BURSTS: u64 = 3;
/// A run with steady or Poisson arrivals.
const USUAL: Duration = Duration::from_secs(10);
/// After the last client of a counted run, for its retries.
const AFTER: Duration = Duration::from_secs(2);
/// No run lasts longer unless --duration says so.
const LONGEST: Duration = Duration::from_secs(600);
