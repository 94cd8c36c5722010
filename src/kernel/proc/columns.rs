//! The positions of the needed counters in `netstat` and `snmp`.
//!
//! Both files are pairs of lines, `TcpExt: name name …` and `TcpExt: number number …`. The name lines are parsed
//! once; as long as they are the same bytes, only the needed numbers are parsed.

use std::io::BufRead;

use procfs::{FromBufRead, ProcError, ProcResult};

use crate::model::counters::{Counter, Counters};
use crate::say;

/// The name lines of one file, up to the last one that holds a needed counter.
#[derive(Debug, Default)]
pub(super) struct Columns {
    tables: Vec<Names>,
}

/// One name line.
#[derive(Debug)]
struct Names {
    /// The line's bytes, newline included.
    line: Vec<u8>,
    /// Bytes of the prefix that both lines share, such as `TcpExt: `.
    prefix: usize,
    /// The needed columns, counted from 0, in ascending order.
    wanted: Vec<(usize, Counter)>,
}

/// A value that is not one of the [`Counter`]s.
pub(super) fn value(text: &str, table: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(table)?.strip_prefix(": "));
    let (names, values) = (lines.next()?, lines.next()?);
    names.split(' ').zip(values.split(' ')).find(|(column, _)| *column == name)?.1.parse().ok()
}

impl FromBufRead for Columns {
    fn from_buf_read<R: BufRead>(mut source: R) -> ProcResult<Self> {
        let mut tables = Vec::new();
        loop {
            let mut line = Vec::new();
            source.read_until(b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            tables.push(Names::of(line)?);
            source.skip_until(b'\n')?;
        }
        let needed = tables.iter().rposition(|names| !names.wanted.is_empty()).map_or(0, |last| last + 1);
        tables.truncate(needed);
        Ok(Self { tables })
    }
}

impl Columns {
    /// Sets the needed counters from `text`. False when these are not (or not yet) the columns of this text.
    pub(super) fn pick(&self, text: &[u8], counters: &mut Counters) -> bool {
        let mut rest = text;
        for names in &self.tables {
            let Some(values) = rest.strip_prefix(names.line.as_slice()) else { return false };
            let Some(values) = values.strip_prefix(&names.line[..names.prefix]) else { return false };
            let used = names.pick(values, counters);
            let Some(end) = values[used..].iter().position(|&byte| byte == b'\n') else { return false };
            rest = &values[used + end + 1..];
        }
        !self.tables.is_empty()
    }
}

impl Names {
    fn of(line: Vec<u8>) -> ProcResult<Self> {
        let text = std::str::from_utf8(&line).map_err(|_| malformed(&line))?;
        let (table, names) = text.split_once(": ").ok_or_else(|| malformed(&line))?;
        let prefix = table.len() + 2;
        let column = |name: &str| Counter::ALL.into_iter().find(|known| known.table() == table && known.name() == name);
        let wanted = names
            .split_ascii_whitespace()
            .enumerate()
            .filter_map(|(position, name)| column(name).map(|counter| (position, counter)))
            .collect();
        Ok(Self { line, prefix, wanted })
    }

    /// Sets the wanted counters from a line of numbers and returns how many of its bytes were looked at. What is no number
    /// (`-1` for "no limit") stays unknown.
    fn pick(&self, values: &[u8], counters: &mut Counters) -> usize {
        let mut at = 0;
        let mut column = 0;
        for &(position, counter) in &self.wanted {
            while column < position {
                match values.get(at) {
                    Some(b' ') => column += 1,
                    Some(b'\n') | None => return at,
                    Some(_) => {}
                }
                at += 1;
            }
            let digits = values[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if let Some(value) = number(&values[at..at + digits]) {
                counters.set(counter, value);
            }
            at += digits;
        }
        at
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let (first, more) = digits.split_first()?;
    more.iter()
        .try_fold(u64::from(first - b'0'), |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

fn malformed(line: &[u8]) -> ProcError {
    let start = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
    ProcError::Other(say!("not a line of counter names: {start}", start = format_args!("{start:?}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str =
        "Ip: A B\nIp: 1 -1\nTcp: MaxConn ActiveOpens X OutRsts\nTcp: -1 12 5 18446744073709551615\nUdp: Q\nUdp: 1\n";

    #[test]
    fn counters_are_found_by_name_in_any_column_after_any_line() {
        let columns = Columns::from_buf_read(TEXT.as_bytes()).unwrap();
        let mut counters = Counters::default();
        assert!(columns.pick(TEXT.as_bytes(), &mut counters));
        assert_eq!(counters.value(Counter::ActiveOpens), Some(12));
        assert_eq!(counters.value(Counter::OutRsts), Some(u64::MAX));
        assert_eq!(counters.value(Counter::AttemptFails), None);
    }

    #[test]
    fn a_value_is_found_below_its_name_in_its_own_table() {
        assert_eq!(value(TEXT, "Ip", "A"), Some(1));
        assert_eq!((value(TEXT, "Tcp", "X"), value(TEXT, "Udp", "Q")), (Some(5), Some(1)));
        assert_eq!((value(TEXT, "Ip", "B"), value(TEXT, "Ip", "Q"), value("", "Ip", "A")), (None, None, None));
    }

    #[test]
    fn other_columns_are_noticed_and_not_misread() {
        let columns = Columns::from_buf_read(TEXT.as_bytes()).unwrap();
        let moved = TEXT.replace("ActiveOpens X", "X ActiveOpens");
        assert!(!columns.pick(moved.as_bytes(), &mut Counters::default()));
    }

    #[test]
    fn a_number_too_large_or_negative_is_unknown() {
        let text = "Tcp: OutRsts ActiveOpens\nTcp: 18446744073709551616 -3\n";
        let columns = Columns::from_buf_read(text.as_bytes()).unwrap();
        let mut counters = Counters::default();
        assert!(columns.pick(text.as_bytes(), &mut counters));
        assert_eq!(counters, Counters::default());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(names in "(Tcp|TcpExt|Ip)(: )?[ A-Za-z]{0,30}\n?", values in "[-0-9 :A-Za-z\n]{0,60}") {
            let text = format!("{names}{values}");
            if let Ok(columns) = Columns::from_buf_read(text.as_bytes()) {
                columns.pick(text.as_bytes(), &mut Counters::default());
            }
            let real = Columns::from_buf_read(TEXT.as_bytes()).unwrap();
            for cut in 0..TEXT.len() {
                real.pick(&TEXT.as_bytes()[..cut], &mut Counters::default());
            }
        }
    }
}
