//! The pages of several network namespaces as one: each family once, with the series of all of them. Their label `namespace` tells them apart.

use std::collections::HashMap;

use super::page::{Kind, Page, labels};
use crate::session::metrics::PageFormat;

/// What became of the machine's network namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamespaceCounts {
    /// On the page.
    pub watched: usize,
    /// Not entered: no right.
    pub refused: usize,
    /// Watched, but without an answer in time.
    pub late: usize,
    /// Too many.
    pub left_out: usize,
    /// Processes whose namespace may not be seen.
    pub hidden_processes: usize,
}

/// A family: its head, and its samples.
#[derive(Default)]
struct Family<'a> {
    head: String,
    samples: Vec<&'a str>,
}

/// One page of several in the same format.
pub fn merged(pages: &[String], counts: NamespaceCounts, dialect: PageFormat) -> String {
    let mut all = Page::new(dialect);
    let states = [
        ("watched", counts.watched),
        ("not-entered", counts.refused),
        ("late", counts.late),
        ("left-out", counts.left_out),
    ];
    let states = states.map(|(state, count)| (labels(&[("state", state)]), count as f64));
    all.family("qviz_namespaces", Kind::Gauge, "Network namespaces of this machine, by what became of them.", states);
    let help = "Processes that do not show their network namespace: it may be one more.";
    all.family("qviz_hidden_processes", Kind::Gauge, help, [(String::new(), counts.hidden_processes as f64)]);
    let mut text = all.into_text();
    for family in families(pages) {
        text.push_str(&family.head);
        for sample in family.samples {
            text.push_str(sample);
        }
    }
    if dialect == PageFormat::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

/// The families in the order in which they come first.
fn families(pages: &[String]) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for page in pages {
        // A family begins with its TYPE; where it is known already, its head is not repeated.
        let (mut at, mut is_new) = (None, false);
        for line in page.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("# TYPE ").and_then(|words| words.split(' ').next()) {
                let next = families.len();
                let number = *numbers.entry(name).or_insert(next);
                (at, is_new) = (Some(number), number == next);
                if is_new {
                    families.push(Family::default());
                }
            }
            let Some(family) = at.and_then(|number: usize| families.get_mut(number)) else { continue };
            match line.starts_with('#') {
                true if is_new && line != "# EOF\n" => family.head.push_str(line),
                true => {}
                false => family.samples.push(line),
            }
        }
    }
    families
}
