//! What follows from a sweep: the smallest backlog, or what else would be enough, proven by one more run.

use std::time::Duration;

use super::Runs;
use super::bench::Stop;
use crate::cli::values::Backlogs;
use crate::fold::prediction::{self, Service};
use crate::model::settings::{AcceptRate, Knobs};
use crate::report::sweep::Advice;
use crate::say;

impl Runs {
    /// This backlog loses nobody.
    pub(super) fn found(&self, asked: &Backlogs, knobs: &Knobs) -> Advice {
        let row = self.sweep.row(knobs);
        let (started, runs) = row.map_or((0, 0), |row| (row.started, row.runs));
        let backlog = knobs.backlog;
        let clamped = row.and_then(|row| row.limit).filter(|limit| *limit < backlog.cast_unsigned());
        let less = self.lost(&Knobs { backlog: backlog.saturating_sub(1), ..knobs.clone() });
        let seconds = format_args!("{:.1}", self.offer.duration.as_secs_f64()).to_string();
        let mut sentence = match asked {
            Backlogs::List(_) => say!(
                "backlog {backlog} is the smallest tried that loses nobody: 0 of {started} clients in {seconds} s, runs: {runs}",
                backlog,
                started,
                seconds,
                runs
            ),
            Backlogs::Range(low, _) if *low == backlog => say!(
                "backlog {backlog}, the smallest of the range, loses nobody: 0 of {started} clients in {seconds} s, runs: {runs}",
                backlog,
                started,
                seconds,
                runs
            ),
            Backlogs::Range(..) => say!(
                "backlog {backlog} loses nobody: 0 of {started} clients in {seconds} s, runs: {runs}; one less lost {less}",
                backlog,
                started,
                seconds,
                runs,
                less
            ),
        };
        if let Some(limit) = clamped {
            let remark = say!("net.core.somaxconn makes {limit} of it", limit);
            sentence = [sentence, remark].join(say!("; "));
        }
        let confirmed = runs > self.repeat;
        Advice { backlog: Some(backlog), accept_rate: None, workers: None, confirmed, sentence }
    }

    /// True when more clients come in the long run than are accepted: any queue fills. Of a program it is measured: more of its clients wait
    /// at the end of the run than can be under way.
    pub(super) fn is_overload(&self, knobs: &Knobs) -> bool {
        match self.sweep.row(knobs) {
            Some(row) if self.bench.has_program() => {
                let way = 2 * (self.offer.rtt + self.offer.jitter);
                let under_way = self.offer.mean_rate() * way.as_secs_f64() + row.started as f64 / 10.0;
                row.started.saturating_sub(row.accepted) as f64 > under_way
            }
            _ => self.offer.mean_rate() > self.accepts_per_s(knobs) * CLOSE,
        }
    }

    /// How many connections the server accepts in a second: a program's as it was measured with these settings.
    fn accepts_per_s(&self, knobs: &Knobs) -> f64 {
        match self.sweep.row(knobs) {
            Some(row) if self.bench.has_program() => row.accepted as f64 / self.offer.duration.as_secs_f64(),
            _ => Service::of(knobs.accept_rate, knobs.workers, knobs.service).rate,
        }
    }

    /// Why this backlog, the largest tried, is not enough.
    fn not_enough(&self, knobs: &Knobs) -> String {
        let (lost, started) = self.sweep.row(knobs).map_or((0, 0), |row| (row.lost, row.started));
        let backlog = knobs.backlog;
        if lost > 0 {
            return say!(
                "no backlog up to {backlog} is enough: {lost} of {started} clients lost",
                backlog,
                lost,
                started
            );
        }
        let service = self.accepts_per_s(knobs);
        say!(
            "backlog {backlog} lost nobody only because the run ended: {arrivals} clients a second come and {accepts} are accepted, so that every queue fills",
            backlog,
            arrivals = format_args!("{:.1}", self.offer.mean_rate()),
            accepts = format_args!("{service:.1}")
        )
    }

    /// A backlog beyond those tried, if one is expected to be enough and somaxconn allows it.
    async fn larger(&mut self, knobs: &Knobs, none: &str) -> Result<Option<Advice>, Stop> {
        let most = i32::try_from(self.capacity(i32::MAX)).unwrap_or(i32::MAX).saturating_sub(1);
        let expected = self.foreseen(knobs, most);
        // Where nothing can be foretold, the largest that somaxconn leaves.
        let expected = if self.bench.has_program() { i64::from(most) } else { expected + expected / 10 + 1 };
        let backlog = i32::try_from(expected).unwrap_or(i32::MAX);
        if backlog <= knobs.backlog || backlog > most {
            return Ok(None);
        }
        let larger = Knobs { backlog, ..knobs.clone() };
        if self.measure(&larger).await? > 0 {
            return Ok(None);
        }
        let enough = say!("{backlog} is: a run with it lost nobody", backlog);
        let sentence = [none, &enough].join(say!("; "));
        Ok(Some(Advice { backlog: Some(backlog), confirmed: true, sentence, ..Advice::default() }))
    }

    /// Not even this backlog is enough, or it is only because the run has an end: what would be, tried. A larger backlog where a queue
    /// can be large enough, else the accept rate or the number of workers.
    pub(super) async fn cure(&mut self, knobs: &Knobs) -> Result<Advice, Stop> {
        let none = self.not_enough(knobs);
        if !self.is_overload(knobs)
            && let Some(advice) = self.larger(knobs, &none).await?
        {
            return Ok(advice);
        }
        if self.bench.has_program() {
            let why = say!("the server calls accept() too slowly: more workers, or less between two accept() calls");
            return Ok(Advice { sentence: [none, why.to_owned()].join(say!("; ")), ..Advice::default() });
        }
        if knobs.accept_rate == AcceptRate::Max && (knobs.workers.is_none() || knobs.service.is_zero()) {
            let why = say!(
                "accept() is called as fast as connections come: look at the causes, qviz --json with the same options"
            );
            return Ok(Advice { sentence: [none, why.to_owned()].join(say!("; ")), ..Advice::default() });
        }
        let capacity =
            self.sweep.row(knobs).and_then(|row| row.limit).map_or(self.capacity(knobs.backlog), |limit| limit + 1);
        let accepts = Service::of(knobs.accept_rate, None, Duration::ZERO).rate;
        let by_workers =
            knobs.workers.is_some() && Service::of(AcceptRate::Max, knobs.workers, knobs.service).rate < accepts;
        let servers = if by_workers { knobs.workers.unwrap_or(1) } else { 1 };
        let now = Service::of(knobs.accept_rate, knobs.workers, knobs.service).rate;
        let enough = prediction::sufficient_rate(&self.offer, servers, capacity, self.syn_capacity(capacity));
        // Below the arrivals it would be enough for this run alone.
        let mut rate = enough.max(now).max(self.offer.mean_rate());
        for _ in 0..TRIALS {
            rate = (rate * MARGIN).ceil();
            let better = faster(knobs, rate, by_workers);
            if self.measure(&better).await? == 0 {
                let enough = match better.workers.filter(|_| by_workers) {
                    Some(workers) => {
                        say!("{workers} workers are: a run with them and this backlog lost nobody", workers)
                    }
                    None => say!("accept() {rate} times a second is: a run with it and this backlog lost nobody", rate),
                };
                let (accept_rate, workers) = if by_workers { (None, better.workers) } else { (Some(rate), None) };
                let sentence = [none, enough].join(say!("; "));
                return Ok(Advice { backlog: None, accept_rate, workers, confirmed: true, sentence });
            }
        }
        let why = say!("accept() {rate} times a second was not enough either", rate);
        Ok(Advice { sentence: [none, why].join(say!("; ")), ..Advice::default() })
    }
}

/// The same with so many accepts a second, or with the workers that make them.
fn faster(knobs: &Knobs, rate: f64, by_workers: bool) -> Knobs {
    if by_workers {
        let workers = (rate * knobs.service.as_secs_f64()).ceil().clamp(1.0, 1e6) as u32;
        Knobs { workers: Some(workers), ..knobs.clone() }
    } else {
        Knobs { accept_rate: AcceptRate::PerSecond(rate), ..knobs.clone() }
    }
}

/// Runs in which a cure is looked for.
const TRIALS: u32 = 5;
/// What is added to the rate that the formula gives, and again after each run that lost somebody.
const MARGIN: f64 = 1.1;
/// Arrivals above the accept rate by less than this are as many: a burst that is just drained before the next one.
const CLOSE: f64 = 1.02;
