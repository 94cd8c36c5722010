//! Recording: every batch that reaches the fold goes into the file too, bounded and never more than a moment behind.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Header, RecordingError};
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;

/// How large a recording may become, in bytes.
pub const LIMIT: u64 = 1 << 30;

/// How long facts may wait in the buffer: what a killed run loses at most.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// A recording that is being made. A disk that is full ends the recording and not the run.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// `None` once the recording has ended.
    file: Option<BufWriter<File>>,
    limit: u64,
    written: u64,
    /// Since when something has been waiting in the buffer.
    waiting: Option<Stamp>,
    failure: Option<RecordingError>,
    told: bool,
}

/// How a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingStatus {
    /// Everything is written.
    Running,
    /// It is as large as it may become, and has ended.
    Full,
    /// It could not be written any further.
    Failed,
}

impl Recorder {
    /// Opens the file; an older recording is overwritten when this one [begins](Self::begin), anything else is left alone.
    ///
    /// # Errors
    /// When the file cannot be opened, or is something else than a recording.
    pub fn open(path: &Path, limit: u64) -> Result<Self, RecordingError> {
        let opened = |source| RecordingError::Open { path: path.to_owned(), source };
        if is_precious(path).map_err(opened)? {
            return Err(RecordingError::NotOurs { path: path.to_owned() });
        }
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(opened)?;
        let file = Some(BufWriter::with_capacity(128 * 1024, file));
        Ok(Self { path: path.to_owned(), file, limit, written: 0, waiting: None, failure: None, told: false })
    }

    /// Begins anew with this header. What fails is told by [`failure`](Self::failure).
    pub fn begin(&mut self, header: &Header) {
        let cut = |file: &BufWriter<File>| {
            let file = file.get_ref();
            if file.metadata()?.is_file() { file.set_len(0) } else { Ok(()) }
        };
        if let Some(Err(source)) = self.file.as_ref().map(cut) {
            self.fail(source);
        }
        match line(header) {
            Ok(line) => self.put(&line),
            Err(source) => self.fail(source),
        }
        self.flush();
    }

    /// Takes the facts that reach the fold. When the recording ends here, because it is as large as it may become or because the
    /// disk is full, the fact that says so is added to them.
    pub fn take(&mut self, now: Stamp, facts: &mut Vec<Stamped>) {
        if self.file.is_some() {
            self.write(now, facts);
        }
        if let (Some(failure), false) = (&self.failure, self.told) {
            let message = Message::of(|| say!("{failure}: the recording has ended, the run goes on", failure));
            facts.push(Stamped { at: now, event: Event::Refused { message } });
            self.told = true;
        }
    }

    fn write(&mut self, now: Stamp, facts: &mut Vec<Stamped>) {
        for fact in facts.iter() {
            match line(fact) {
                Ok(line) if self.written + line.len() as u64 > self.limit => {
                    let message = self.end_at_limit(fact.at);
                    facts.push(Stamped { at: now, event: Event::Refused { message } });
                    return;
                }
                Ok(line) => self.put(&line),
                Err(source) => self.fail(source),
            }
        }
        self.waiting.get_or_insert(now);
        if facts.iter().any(|fact| matches!(fact.event, Event::Ended)) {
            self.flush();
        }
        self.flush_if_due(now);
    }

    /// When the buffer has to be written at the latest; `None` while nothing waits in it.
    pub fn due(&self) -> Option<Stamp> {
        self.waiting.map(|since| since + PATIENCE)
    }

    /// Writes the buffer if it is time to.
    pub fn flush_if_due(&mut self, now: Stamp) {
        if self.due().is_some_and(|due| due <= now) {
            self.flush();
        }
    }

    /// How the recording stands.
    pub const fn recording(&self) -> RecordingStatus {
        match (&self.failure, &self.file) {
            (Some(_), _) => RecordingStatus::Failed,
            (None, Some(_)) => RecordingStatus::Running,
            (None, None) => RecordingStatus::Full,
        }
    }

    /// Why the recording has ended before the run, if writing failed.
    pub const fn failure(&self) -> Option<&RecordingError> {
        self.failure.as_ref()
    }

    fn put(&mut self, line: &[u8]) {
        let Some(file) = &mut self.file else { return };
        match file.write_all(line) {
            Ok(()) => self.written += line.len() as u64,
            Err(source) => self.fail(source),
        }
    }

    fn flush(&mut self) {
        self.waiting = None;
        if let Some(Err(source)) = self.file.as_mut().map(Write::flush) {
            self.fail(source);
        }
    }

    fn fail(&mut self, source: io::Error) {
        self.abandon();
        self.failure.get_or_insert(RecordingError::Write { path: self.path.clone(), source });
    }

    /// Ends the recording; what waits in the buffer is not tried again.
    fn abandon(&mut self) {
        self.waiting = None;
        if let Some(file) = self.file.take() {
            let (_file, _lost) = file.into_parts();
        }
    }

    /// The last line says why there are no more.
    fn end_at_limit(&mut self, at: Stamp) -> Message {
        let mib = self.limit >> 20;
        let path = self.path.display();
        let message = Message::of(|| {
            say!("the recording {path} has ended at its limit of {mib} MiB; the run goes on", path, mib)
        });
        let last = Stamped { at, event: Event::Refused { message: message.clone() } };
        if let Ok(line) = line(&last) {
            self.put(&line);
        }
        self.flush();
        self.file = None;
        message
    }
}

fn line(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// True for a file with content that is no recording.
fn is_precious(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() > 0 => {
            let mut first = Vec::new();
            File::open(path)?.take(MARK.len() as u64).read_to_end(&mut first)?;
            Ok(first != MARK)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// How every recording begins.
const MARK: &[u8] = b"{\"qviz-recording\":";

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(millis: u64) -> Stamped {
        Stamped { at: Stamp::from_millis(millis), event: Event::Tick }
    }

    fn lines(path: &Path) -> Vec<String> {
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn facts_are_in_the_file_when_their_time_is_up_and_not_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.qviz");
        let mut recorder = Recorder::open(&path, LIMIT).unwrap();
        recorder.begin(&Header::new(None));
        recorder.take(Stamp::from_millis(1), &mut vec![tick(1)]);
        assert_eq!(lines(&path).len(), 1);
        assert_eq!(recorder.due(), Some(Stamp::from_millis(1) + PATIENCE));
        recorder.flush_if_due(Stamp::from_millis(1) + PATIENCE);
        assert_eq!(
            lines(&path),
            [r#"{"qviz-recording":1,"qviz":"0.1.0","repeat":null}"#, r#"{"at":1000000,"event":"tick"}"#]
        );
    }

    #[test]
    fn the_end_of_the_run_is_written_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.qviz");
        let mut recorder = Recorder::open(&path, LIMIT).unwrap();
        recorder.begin(&Header::new(None));
        recorder.take(Stamp::ZERO, &mut vec![Stamped { at: Stamp::ZERO, event: Event::Ended }]);
        assert_eq!(lines(&path).len(), 2);
    }

    #[test]
    fn at_its_limit_the_recording_ends_and_says_so_once_here_and_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.qviz");
        let mut recorder = Recorder::open(&path, 200).unwrap();
        recorder.begin(&Header::new(None));
        let mut told = 0;
        for millis in 0..50 {
            let mut facts = vec![tick(millis)];
            recorder.take(Stamp::from_millis(millis), &mut facts);
            told += facts.iter().filter(|fact| matches!(fact.event, Event::Refused { .. })).count();
        }
        let lines = lines(&path);
        assert_eq!(told, 1);
        assert!(lines.last().unwrap().contains("limit"), "{lines:?}");
        assert!(lines.len() < 10 && recorder.failure().is_none(), "{lines:?}");
    }

    #[test]
    fn a_full_disk_is_told_once_and_ends_the_recording_alone() {
        let mut recorder = Recorder::open(Path::new("/dev/full"), LIMIT).unwrap();
        recorder.begin(&Header::new(None));
        let mut told = Vec::new();
        for millis in 0..9 {
            let mut facts = vec![tick(millis)];
            recorder.take(Stamp::from_millis(millis), &mut facts);
            told.extend(facts.into_iter().filter(|fact| fact.event != Event::Tick));
        }
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(recorder.failure().unwrap().to_string().contains("/dev/full"));
    }

    #[test]
    fn an_older_recording_is_overwritten_and_anything_else_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "{\"qviz-recording\":1,\"old\":true}\nmany\nlines\n").unwrap();
        Recorder::open(&path, LIMIT).unwrap().begin(&Header::new(None));
        assert_eq!(lines(&path).len(), 1);
        std::fs::write(&path, "a diary").unwrap();
        assert!(matches!(Recorder::open(&path, LIMIT), Err(RecordingError::NotOurs { .. })));
        assert_eq!(lines(&path), ["a diary"]);
    }
}
