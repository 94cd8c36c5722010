//! `qviz doctor`: what works here, what does not, why, and the command that would change it. Everything is tried, not guessed.

mod lab;
mod terminal;
mod visibility;
mod watch;

use std::io::{self, Write};

use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::Output;
use crate::kernel::proc;
use crate::report::json;
use crate::report::summary::VERSION;
use crate::say;
use crate::text::lang::{Lang, here};
use crate::text::sanitize;
use crate::text::wrap::left;

/// Everything that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    schema: &'static str,
    kind: &'static str,
    kernel: String,
    /// True when the lab works in one of its ways.
    works: bool,
    verdict: Verdict,
    checks: Vec<Check>,
}

/// Which lab works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// That in a private network.
    Lab,
    /// That on this host's loopback alone, in which less is seen.
    Reduced,
    /// None.
    None,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its fixed name.
    pub id: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// What it is, in a few words.
    pub what: &'static str,
    /// Whether it works; null where it is a value without right or wrong.
    pub works: Option<bool>,
    /// What was found.
    pub found: String,
    /// The command that would change it.
    pub remedy: Option<String>,
}

/// What a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The kernel and its limits.
    Kernel,
    /// The private network.
    Network,
    /// What can be read.
    #[serde(rename = "sight")]
    Visibility,
    /// The host's loopback, the second way.
    Host,
    /// Other people's listeners.
    Watch,
    /// The screen.
    Terminal,
}

impl Group {
    const ALL: [Self; 6] = [Self::Kernel, Self::Network, Self::Visibility, Self::Host, Self::Watch, Self::Terminal];

    fn heading(self) -> &'static str {
        match self {
            Self::Kernel => say!("KERNEL"),
            Self::Network => say!("PRIVATE NETWORK (qviz, qviz --net lab)"),
            Self::Visibility => say!("WHAT CAN BE READ"),
            Self::Host => say!("THIS HOST (qviz --net host)"),
            Self::Watch => say!("OTHER LISTENERS (qviz watch)"),
            Self::Terminal => say!("TERMINAL"),
        }
    }
}

impl Check {
    fn works(id: &'static str, group: Group, what: &'static str, found: impl Into<String>) -> Self {
        Self { id, group, what, works: Some(true), found: found.into(), remedy: None }
    }

    fn fails(id: &'static str, group: Group, what: &'static str, found: impl Into<String>) -> Self {
        Self { works: Some(false), ..Self::works(id, group, what, found) }
    }

    fn value(id: &'static str, group: Group, what: &'static str, found: impl Into<String>) -> Self {
        Self { works: None, ..Self::works(id, group, what, found) }
    }

    fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// Tries everything and prints what came of it.
///
/// # Errors
/// A [`Failure`] where stdout does not take it.
pub fn run(as_json: bool) -> Result<Exit, Failure> {
    let diagnosis = Diagnosis::make();
    Output::stdout().put(|out| if as_json { json::write(out, &diagnosis) } else { diagnosis.write(out) })?;
    Ok(if diagnosis.works { Exit::Success } else { Exit::Error })
}

impl Diagnosis {
    /// Tries everything. The host comes first: once in the private network there is no way back.
    fn make() -> Self {
        let host = proc::read_sysctls();
        let mut checks = visibility::of_kernel(&host);
        let on_host = visibility::of_host(&mut checks);
        watch::checks(&mut checks);
        terminal::checks(&mut checks);
        let in_lab = lab::checks(&mut checks, &host);
        checks.sort_by_key(|check| Group::ALL.iter().position(|group| *group == check.group));
        let entered = checks.iter().any(|check| check.id == "network.namespace" && check.works == Some(true));
        let verdict = match (in_lab || entered && on_host, on_host) {
            (true, _) => Verdict::Lab,
            (false, true) => Verdict::Reduced,
            (false, false) => Verdict::None,
        };
        let (kernel, works) = (proc::kernel_release(), verdict != Verdict::None);
        Self { schema: VERSION, kind: "doctor", kernel, works, verdict, checks }
    }

    /// True when every check of this kind is passed.
    fn works_in(&self, kind: &str) -> bool {
        let mut checks = self.checks.iter().filter(|check| check.id.starts_with(kind)).peekable();
        checks.peek().is_some() && checks.all(|check| check.works != Some(false))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut last = None;
        for check in &self.checks {
            if last != Some(check.group) {
                let gap = if last.is_some() { "\n" } else { "" };
                writeln!(out, "{gap}{}", check.group.heading())?;
                last = Some(check.group);
            }
            let mark = mark(check.works);
            writeln!(out, "  {mark}  {} {}", left(check.what, 36), sanitize::line(&check.found))?;
            if let Some(remedy) = &check.remedy {
                writeln!(out, "        {}", say!("to change it: {remedy}", remedy = sanitize::line(remedy)))?;
            }
        }
        let verdict = match self.verdict {
            Verdict::Lab if self.works_in("network.") => say!("The lab works here."),
            Verdict::Lab => say!("The lab works here in part: what is marked NO above is missing."),
            Verdict::Reduced => {
                say!("Only the reduced lab works here: on this host's loopback, without what is marked NO above.")
            }
            Verdict::None => say!("The lab does not work here."),
        };
        writeln!(out, "\n{verdict}")
    }
}

/// What leads a line, as wide in each line. "ok" means something else in a table of counters, so it is no entry of the languages' one.
fn mark(works: Option<bool>) -> &'static str {
    match (works, here()) {
        (Some(true), Lang::English) => "ok",
        (Some(false), Lang::English) => "NO",
        (Some(true), Lang::Chinese) => "正常  ",
        (Some(false), Lang::Chinese) => "不可用",
        (None, Lang::English) => "--",
        (None, Lang::Chinese) => "--    ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_work_stands_out_with_its_remedy() {
        let checks = vec![
            Check::works("a", Group::Kernel, "one thing", "fine"),
            Check::fails("b", Group::Network, "another", "denied\x1b[2J").with_remedy("sudo qviz"),
        ];
        let diagnosis = Diagnosis {
            schema: VERSION,
            kind: "doctor",
            kernel: "6.18".to_owned(),
            works: false,
            verdict: Verdict::None,
            checks,
        };
        let mut text = Vec::new();
        diagnosis.write(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("  NO  another") && text.contains("to change it: sudo qviz"), "{text}");
        assert!(text.contains("does not work") && !text.contains('\x1b'));
    }
}
