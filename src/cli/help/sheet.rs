//! How wide a help page may be. The parser breaks lines at blanks alone, which Chinese does not have: its lines come broken.

use std::env;

use rustix::termios::tcgetwinsize;
use unicode_width::UnicodeWidthStr;

use crate::text::wrap::wrapped;

/// The terminal's columns, as far as they are good to read.
pub(in crate::cli) fn columns() -> usize {
    let ends = [tcgetwinsize(rustix::stdio::stdout()), tcgetwinsize(rustix::stdio::stderr())];
    let ends = ends.into_iter().chain([tcgetwinsize(rustix::stdio::stdin())]);
    let seen = ends.flatten().map(|size| usize::from(size.ws_col)).find(|columns| *columns > 0);
    let variable = || env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    seen.or_else(variable).unwrap_or(USUAL).min(WIDEST)
}

/// The columns of a report on stdout: as far as they are good to read those of the terminal, or `usual` where it is none.
pub(in crate::cli) fn report_columns(usual: usize) -> usize {
    let columns = tcgetwinsize(rustix::stdio::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns > 0 { columns.min(WIDEST) } else { usual }
}

/// A page, or a part of one, of so many columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    columns: Option<usize>,
}

impl Sheet {
    /// As wide as the terminal, as the parser measures it.
    pub(super) fn of_terminal() -> Self {
        Self { columns: Some(columns()) }
    }

    /// A line may be as long as its text.
    pub(super) const fn endless() -> Self {
        Self { columns: None }
    }

    /// What is left beside a column of names.
    pub(super) fn beside(self, names: usize) -> Self {
        self.indented(names + GAPS)
    }

    /// What is left behind so many columns; where that is next to nothing, all of it.
    pub(super) fn indented(self, before: usize) -> Self {
        let left = |columns: usize| columns.checked_sub(before).filter(|left| *left >= NARROWEST).unwrap_or(columns);
        Self { columns: self.columns.map(left) }
    }

    /// The separator between two items of a list: on an endless page each is a paragraph.
    pub(super) const fn gap(self) -> &'static str {
        if self.columns.is_some() { "\n" } else { "\n\n" }
    }

    /// The lines of the text, the long ones broken; what a line is indented by, its continuation is.
    pub(super) fn lines(self, text: &str) -> String {
        let too_wide = |line: &&str| !line.is_ascii() && self.columns.is_some_and(|columns| line.width() > columns);
        let lines = text.lines().map(|line| match Some(line).filter(too_wide) {
            Some(line) => self.broken(line),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A line in several: behind its indent, or behind the column in which the description of its first words begins.
    fn broken(self, line: &str) -> String {
        let columns = self.columns.unwrap_or(usize::MAX);
        let indent = &line[..line.len() - line.trim_start().len()];
        let start = line.trim_end().rfind("  ").map(|gap| gap + 2).filter(|start| *start > indent.len());
        match start.map(|start| line.split_at(start)) {
            Some((names, rest)) if names.width() + NARROWEST <= columns => {
                let rest = wrapped(rest, columns, &" ".repeat(names.width()));
                format!("{names}{}", rest.trim_start())
            }
            _ => wrapped(line, columns, indent),
        }
    }
}

/// Two columns before the names, two behind them.
const GAPS: usize = 4;
const NARROWEST: usize = 20;
/// As in [`args`](crate::cli::args).
const WIDEST: usize = 110;
/// Where the width is unknown.
const USUAL: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_behind_their_indent_and_plain_words_are_not_touched() {
        let sheet = Sheet { columns: Some(30) };
        let text = "  qviz --backlog 128 --rate 500 --accept-rate 400\n  队列满了以后内核连新的请求也不再接收";
        let lines = sheet.lines(text);
        assert!(lines.starts_with("  qviz --backlog 128 --rate 500 --accept-rate 400\n  队列"), "{lines}");
        assert!(lines.lines().count() == 3 && lines.lines().all(|line| line.starts_with("  ")), "{lines}");
        assert_eq!(Sheet::endless().lines(text), text);
        let table = "  qviz   看队列填满然后溢出然后再排空";
        assert_eq!(sheet.lines(table), "  qviz   看队列填满然后溢出然\n         后再排空");
    }

    #[test]
    fn a_column_of_names_leaves_a_readable_rest() {
        assert_eq!(Sheet { columns: Some(110) }.beside(30).columns, Some(76));
        assert_eq!(Sheet { columns: Some(40) }.beside(30).columns, Some(40));
    }
}
