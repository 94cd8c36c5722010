//! What somebody reads who looks at the screen of the lab every 50 ms: how long each headline stands, how often FULL comes and goes, and
//! where headline, badges and gates of one frame contradict each other. Made of the screen's rows alone, at 120×36 and in English.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Between two looks.
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// The screen that is looked at.
pub(crate) const SIZE: (u16, u16) = (120, 36);

/// One headline as it was seen: its words with `#` for each number, and what its mark says of how much it matters.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) words: String,
    rank: u8,
    pub(crate) stood: Duration,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) headlines: Vec<Seen>,
    /// Whether each queue was marked as full.
    pub(crate) marks: Vec<[bool; 2]>,
    /// Frames that say two things, each with what they are.
    pub(crate) contradictions: Vec<String>,
}

impl Samples {
    /// Looks at the screen [`STEP`] after the last look.
    pub(crate) fn take(&mut self, rows: &[String]) {
        let headline = format!("{} {}", rows[2].trim(), rows[3].trim());
        let words = without_numbers(&headline);
        match self.headlines.last_mut() {
            Some(last) if last.words == words => last.stood += STEP,
            _ => self.headlines.push(Seen { rank: rank(&words), words, stood: STEP }),
        }
        let boxes = rows.iter().find_map(|row| row[row.find("SYN QUEUE")?..].split_once("ACCEPT QUEUE"));
        let Some(queues) = boxes.and_then(|(syn, accept)| Some([Title::of(syn)?, Title::of(accept)?])) else {
            return self.contradictions.push(format!("a queue without a depth\n{}", rows.join("\n")));
        };
        if let Some(what) = contradiction(&headline, queues, rows) {
            self.contradictions.push(format!("{what}\n{}", rows.join("\n")));
        }
        self.marks.push(queues.map(|queue| queue.marked));
    }

    /// What has to hold of each minute that a person watches.
    #[track_caller]
    pub(crate) fn assert_readable(&self) {
        let (whole, seen) = (self.whole(), &self.headlines);
        assert_eq!(self.contradictions, [""; 0]);
        assert!(!whole.is_empty(), "no headline to judge by: {seen:#?}");
        assert!(whole.iter().all(|headline| headline.stood >= Duration::from_millis(1500)), "{seen:#?}");
        assert!(median(&whole) >= Duration::from_millis(2500), "{seen:#?}");
        assert!((1..=12).contains(&self.changes_of_full()), "{} changes of FULL", self.changes_of_full());
    }

    /// Those headlines that were seen from beginning to end, but for those that something more important ended.
    pub(crate) fn whole(&self) -> Vec<&Seen> {
        let pairs = self.headlines.windows(2);
        pairs.filter(|pair| pair[1].rank <= pair[0].rank).map(|pair| &pair[0]).collect()
    }

    /// How often the mark of a queue came or went: that of the queue in which it did so most.
    pub(crate) fn changes_of_full(&self) -> usize {
        let changes = |queue: usize| self.marks.windows(2).filter(|pair| pair[0][queue] != pair[1][queue]).count();
        changes(0).max(changes(1))
    }
}

impl Display for Samples {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (all, whole) = (&self.headlines, self.whole());
        let shortest = whole.iter().map(|seen| seen.stood).min().unwrap_or_default();
        let all_median = median(&all.iter().collect::<Vec<_>>());
        write!(f, "{} looks, {} headlines, median {all_median:?}; not interrupted ", self.marks.len(), all.len())?;
        write!(f, "{}, median {:?}, shortest {shortest:?}; ", whole.len(), median(&whole))?;
        write!(f, "changes of FULL {}, contradictions {}", self.changes_of_full(), self.contradictions.len())
    }
}

/// Half of them stood for less.
pub(crate) fn median(seen: &[&Seen]) -> Duration {
    let mut lives: Vec<_> = seen.iter().map(|seen| seen.stood).collect();
    lives.sort_unstable();
    lives.get(lives.len() / 2).copied().unwrap_or_default()
}

/// A headline whose numbers move is the same headline.
fn without_numbers(words: &str) -> String {
    let mut rest = words;
    let mut same = String::new();
    while let Some(at) = rest.find(|sign: char| sign.is_ascii_digit()) {
        same.extend([&rest[..at], "#"]);
        rest = rest[at..].trim_start_matches(|sign: char| sign.is_ascii_digit());
    }
    same + rest
}

/// How much a headline matters: dropped, full, client and server disagree, what a rule found, a note.
fn rank(words: &str) -> u8 {
    let is_full = ["accept queue full (", "SYN queue full ("].iter().any(|full| words.contains(full));
    match words.trim_start().chars().next() {
        Some('■') => 5,
        Some('✗' | '↯') => 4,
        Some('▲') if is_full => 3,
        Some('◌' | '⊘') => 2,
        Some('▲') => 1,
        _ => 0,
    }
}

/// The right end of a queue's title: depth, capacity, and whether it is marked as full.
#[derive(Clone, Copy, Debug)]
struct Title {
    depth: u32,
    capacity: u32,
    marked: bool,
    /// It is marked as full at another moment.
    ago: bool,
}

impl Title {
    fn of(title: &str) -> Option<Self> {
        let (before, after) = title.split_once('/')?;
        let depth = before.rsplit(|sign: char| !sign.is_ascii_digit()).next()?;
        let capacity = after.split(|sign: char| !sign.is_ascii_digit()).next()?;
        Some(Self {
            depth: depth.parse().ok()?,
            capacity: capacity.parse().ok()?,
            marked: after.contains("FULL"),
            ago: after.contains("ago") || after.contains("was"),
        })
    }
}

/// What in a frame says something else than the rest of it.
fn contradiction(headline: &str, queues: [Title; 2], rows: &[String]) -> Option<String> {
    for (queue, name) in queues.iter().zip(["SYN queue", "accept queue"]) {
        let (full, called) = (queue.depth >= queue.capacity, headline.contains(&format!("{name} full")));
        // Beside a mark of the past only what the full queue has done, or for how long it was full so far, may be said.
        let past =
            [" dropped: ", "ghosts: ", "phantoms: ", " RST: ", " in total"].iter().any(|past| headline.contains(past));
        if called && queue.ago && !past {
            return Some(format!("{name} was full, and is said to be: {headline}"));
        }
        if queue.depth > queue.capacity || full != (queue.marked && !queue.ago) || called && !queue.marked {
            return Some(format!("{name} {queue:?}: {headline}"));
        }
    }
    let is_shut = rows[5..13].iter().any(|row| row.contains('▒') || row.contains('█'));
    let [syn, accept] = queues;
    if is_shut && !syn.marked && !accept.marked {
        return Some("a red gate beside free queues".into());
    }
    if accept.depth >= accept.capacity && !is_shut {
        return Some("an open gate to a full queue".into());
    }
    headline.trim().is_empty().then(|| "no headline".into())
}
