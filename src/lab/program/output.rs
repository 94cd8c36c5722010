//! What a program writes: its last lines, and all of it in a file where that was asked for.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::Log;

/// How many lines are kept.
const LINES: usize = 20;

/// How many bytes of a line are kept.
pub(super) const WIDTH: usize = 500;

/// A thread that reads until the last process has closed its end.
#[derive(Debug)]
pub(super) struct Output {
    kept: Arc<Mutex<Tail>>,
    reader: Option<JoinHandle<()>>,
}

/// The last lines, and the one that has not ended.
#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    open: Vec<u8>,
}

impl Output {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where no thread is to be had.
    pub(super) fn gather(mut end: io::PipeReader, mut log: Log) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(Tail::default()));
        let theirs = Arc::clone(&kept);
        let work = move || {
            let mut bytes = vec![0; 1 << 16];
            loop {
                let read = match end.read(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Ok(0) | Err(_) => return,
                    Ok(count) => bytes.get(..count).unwrap_or_default(),
                };
                if log.as_mut().is_some_and(|log| log.write_all(read).is_err()) {
                    tracing::warn!("the server's log cannot be written any more");
                    log = None;
                }
                theirs.lock().unwrap_or_else(PoisonError::into_inner).take(read);
            }
        };
        let reader = std::thread::Builder::new().name("output".to_owned()).spawn(work)?;
        Ok(Self { kept, reader: Some(reader) })
    }

    /// The last lines so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).all()
    }

    /// Waits for the rest; no process holds the other end any more.
    pub(super) fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _defect = reader.join();
        }
    }
}

impl Tail {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = WIDTH.saturating_sub(self.open.len()).min(text.len());
            self.open.extend_from_slice(text.get(..room).unwrap_or_default());
            if ended {
                let line = std::mem::take(&mut self.open);
                self.push(&line);
            }
        }
    }

    fn push(&mut self, line: &[u8]) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(text(line));
    }

    fn all(&self) -> Vec<String> {
        let rest = (!self.open.is_empty()).then(|| text(&self.open));
        let mut all: Vec<String> = self.lines.iter().cloned().chain(rest).collect();
        all.drain(..all.len().saturating_sub(LINES));
        all
    }
}

/// A line as text that steers no terminal.
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    crate::text::sanitize::line(&String::from_utf8_lossy(line).replace('\t', "    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(parts: &[&[u8]]) -> Vec<String> {
        let mut tail = Tail::default();
        for part in parts {
            tail.take(part);
        }
        tail.all()
    }

    #[test]
    fn lines_are_put_together_and_the_last_ones_stay() {
        assert_eq!(kept(&[b"one\ntw", b"o\nthr"]), ["one", "two", "thr"]);
        let many: Vec<String> = (0..100).map(|n| format!("{n}\n")).collect();
        let lines = kept(&[many.concat().as_bytes()]);
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (20, "99"));
    }

    #[test]
    fn a_line_without_end_takes_no_memory_and_control_characters_steer_nothing() {
        let long = vec![b'x'; 10_000];
        assert_eq!(kept(&[&long, &long])[0].len(), WIDTH);
        assert_eq!(kept(&[b"a\x1b[2Jb\r\n"]), ["a\u{fffd}[2Jb"]);
    }
}
