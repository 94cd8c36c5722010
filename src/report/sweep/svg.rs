//! A sweep as a chart: clients lost and connect time (p99) over the backlog, which stands on a logarithmic axis.

use std::io::{self, Write};

use super::{Row, Sweep};
use crate::say;
use crate::text::sanitize;

/// Writes the chart. Each accept rate and number of workers has a line of its own; nothing is told by colour alone.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, sweep: &Sweep) -> io::Result<()> {
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(out, r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#)?;
    let lost = Panel { top: TOP, title: say!("clients lost"), colour: "#b00020" };
    lost.write(out, sweep, |row| Some(row.lost as f64))?;
    let connect = Panel { top: TOP + PANEL + GAP, title: say!("connect time, p99, in ms"), colour: "#00539c" };
    connect.write(out, sweep, |row| row.connect_ms.p99)?;
    let foot = HEIGHT - 12.0;
    let (middle, label) = (LEFT + SPAN / 2.0, say!("backlog"));
    writeln!(out, r#"<text x="{middle}" y="{foot}" text-anchor="middle">{label}</text>"#)?;
    writeln!(out, "</svg>")
}

/// One of the two quantities.
struct Panel {
    top: f64,
    title: &'static str,
    colour: &'static str,
}

impl Panel {
    fn write(&self, out: &mut dyn Write, sweep: &Sweep, value: impl Fn(&Row) -> Option<f64>) -> io::Result<()> {
        let most = sweep.rows.iter().filter_map(&value).fold(1.0, f64::max);
        let (bottom, colour) = (self.top + PANEL, self.colour);
        let right = LEFT + SPAN;
        let title = self.title;
        writeln!(out, r#"<text x="{LEFT}" y="{}" font-weight="bold">{title}</text>"#, self.top - 8.0)?;
        writeln!(out, r#"<path d="M{LEFT} {} V{bottom} H{right}" fill="none" stroke="black"/>"#, self.top)?;
        for (share, text) in [(0.0, "0".to_owned()), (1.0, format!("{most:.0}"))] {
            let y = bottom - share * PANEL + 4.0;
            writeln!(out, r#"<text x="{}" y="{y}" text-anchor="end">{text}</text>"#, LEFT - 6.0)?;
        }
        let axis = Axis::of(sweep);
        for (number, group) in groups(sweep).into_iter().enumerate() {
            let points: Vec<_> = group
                .iter()
                .filter_map(|row| Some((axis.x(row.backlog), bottom - value(row)? / most * PANEL, *row)))
                .collect();
            let path: Vec<_> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
            let dash = DASHES[number % DASHES.len()];
            writeln!(
                out,
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-dasharray="{dash}"/>"#,
                path.join(" ")
            )?;
            let mut free = f64::NEG_INFINITY;
            for (x, y, row) in &points {
                writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#)?;
                // Values that stand close together: the first of them is written.
                if *x >= free {
                    let (y, backlog) = (bottom + 15.0, row.backlog);
                    writeln!(out, r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{backlog}</text>"#)?;
                    free = x + LABEL;
                }
            }
            if let Some((x, y, row)) = points.last() {
                let name = sanitize::line(&name(row));
                writeln!(out, r#"<text x="{:.1}" y="{:.1}">{name}</text>"#, x + 8.0, y - 4.0)?;
            }
        }
        Ok(())
    }
}

/// The rows of each accept rate and number of workers.
fn groups(sweep: &Sweep) -> Vec<Vec<&Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in &sweep.rows {
        let same = |group: &&mut Vec<&Row>| {
            group.first().is_some_and(|first| (first.accept_rate, first.workers) == (row.accept_rate, row.workers))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn name(row: &Row) -> String {
    match row.workers {
        Some(workers) => say!("{workers} workers", workers),
        None => say!("{accepts} accept/s", accepts = row.accepts()),
    }
}

/// The backlogs from left to right.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn of(sweep: &Sweep) -> Self {
        let places = || sweep.rows.iter().map(|row| place(row.backlog));
        Self { low: places().fold(f64::INFINITY, f64::min), high: places().fold(0.0, f64::max) }
    }

    fn x(&self, backlog: i32) -> f64 {
        let span = self.high - self.low;
        LEFT + 10.0 + if span > 0.0 { (place(backlog) - self.low) / span * (SPAN - 120.0) } else { 0.0 }
    }
}

fn place(backlog: i32) -> f64 {
    f64::from(backlog).ln_1p()
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 60.0;
const SPAN: f64 = 680.0;
const TOP: f64 = 40.0;
const PANEL: f64 = 150.0;
const GAP: f64 = 60.0;
/// Room for a number below the axis.
const LABEL: f64 = 36.0;
/// A line of its own for each group.
const DASHES: [&str; 4] = ["none", "6 3", "2 3", "8 3 2 3"];
