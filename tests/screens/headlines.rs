//! The headline can be read: how long each one stands, and that headline, badges and gates of a frame say the same. Frames are drawn
//! every 50 ms, as a program would sample the screen; their time is passed in.

use std::time::Duration;

use qviz::fold::headline::{Rank, Story as Told};
use qviz::fold::world::World;
use qviz::model::event::Environment;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::view;
use ratatui::layout::Size;

use crate::picture::rows;
use crate::show::Show;
use crate::story::{Story, ms};

const SIZE: (u16, u16) = (120, 36);
const STEP: Duration = Duration::from_millis(50);
const RECORDINGS: [&str; 7] = ["cookies", "flood", "ghosts", "loopback", "overflow", "queues", "stranded"];

/// One headline as it was seen.
#[derive(Clone, Debug)]
struct Seen {
    words: String,
    rank: Rank,
    stood: Duration,
}

/// What was sampled.
#[derive(Default)]
struct Samples {
    headlines: Vec<Seen>,
    /// Whether each queue was marked as full.
    marks: Vec<[bool; 2]>,
}

impl Samples {
    fn take(&mut self, rows: &[String], world: &World) {
        let headline = format!("{} {}", rows[2], rows[3]);
        let words: String = headline.chars().map(|sign| if sign.is_ascii_digit() { '#' } else { sign }).collect();
        let rank = world.headline.shown().map_or(Rank::Note, |shown| shown.story.rank());
        match self.headlines.last_mut() {
            Some(last) if squeeze(&last.words) == squeeze(&words) => last.stood += STEP,
            _ => self.headlines.push(Seen { words, rank, stood: STEP }),
        }
        let boxes = rows.iter().find(|row| row.contains("SYN QUEUE")).unwrap();
        let (syn, accept) = boxes[boxes.find("SYN QUEUE").unwrap()..].split_once("ACCEPT QUEUE").unwrap();
        let queues = [Title::of(syn), Title::of(accept)];
        agree(&headline, &queues, rows, world);
        self.marks.push(queues.map(|queue| queue.marked));
    }

    /// The times for which those headlines stood that were seen from beginning to end, but for those that something more important
    /// ended.
    fn lives(&self) -> Vec<Duration> {
        let whole = self.headlines.windows(2);
        whole.filter(|pair| pair[1].rank <= pair[0].rank).map(|pair| pair[0].stood).collect()
    }

    /// How often the mark of a queue came or went: that of the queue in which it did so most.
    fn changes_of_full(&self) -> usize {
        let changes = |queue: usize| self.marks.windows(2).filter(|pair| pair[0][queue] != pair[1][queue]).count();
        changes(0).max(changes(1))
    }
}

/// Numbers of any length are alike.
fn squeeze(words: &str) -> String {
    words.split('#').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#")
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
    fn of(title: &str) -> Self {
        let (before, after) = title.split_once('/').unwrap_or_else(|| panic!("no depth in {title}"));
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let depth: String = before.chars().rev().take_while(char::is_ascii_digit).collect();
        let depth: String = depth.chars().rev().collect();
        Self {
            depth: depth.parse().unwrap_or_else(|_| panic!("no depth in {title}")),
            capacity: digits(after).parse().unwrap_or_else(|_| panic!("no capacity in {title}")),
            marked: after.contains("FULL"),
            ago: after.contains("ago") || after.contains("was"),
        }
    }
}

/// Headline, badges and gates of a frame say the same.
#[track_caller]
fn agree(headline: &str, queues: &[Title; 2], rows: &[String], world: &World) {
    let frame = || rows.join("\n");
    for (queue, name) in queues.iter().zip(["SYN queue", "accept queue"]) {
        assert!(queue.depth < queue.capacity || (queue.marked && !queue.ago), "{name} {queue:?}\n{}", frame());
        assert!(queue.depth >= queue.capacity || !queue.marked || queue.ago, "{name} {queue:?}\n{}", frame());
        let called = headline.contains(&format!("{name} full"));
        assert!(!called || queue.marked, "{headline} {queue:?}\n{}", frame());
    }
    let gates: Vec<_> = rows[5..13].iter().map(|row| row.contains('▒') || row.contains('█')).collect();
    let shut = gates.iter().any(|shut| *shut);
    assert!(!shut || queues.iter().any(|queue| queue.marked), "a red gate beside free queues\n{}", frame());
    assert!(queues[1].depth < queues[1].capacity || shut, "an open gate to a full queue\n{}", frame());
    assert!(world.began.is_none() || !headline.trim().is_empty(), "{}", frame());
}

fn of_recording(name: &str) -> Samples {
    let mut show = Show::of(name, SIZE, false).until("a beginning", |world| world.accept_capacity().is_some());
    let mut samples = Samples::default();
    while !show.world.ended {
        show = show.and_then(STEP);
        let picture = show.frame();
        samples.take(&rows(&picture), &show.world);
    }
    samples
}

/// The rhythm of the default lab for a minute.
fn of_waves() -> Samples {
    let mut story = Story::new(Environment::Lab, 5, 1);
    for wave in 0..5 {
        story.clients(wave * 20..wave * 20 + 20, ms(500 + u64::from(wave) * 12_000), Duration::from_millis(200), false);
    }
    story.accepts(150, ms(700), Duration::from_millis(400));
    let mut state = UiState { live: true, size: Size::from(SIZE), ..UiState::default() };
    let mut samples = Samples::default();
    for frame in 1..1200 {
        story.run(ms(frame * 50));
        update(&mut state, Msg::Pulse(story.now), &story.world);
        samples.take(&rows(&view::picture(Size::from(SIZE), &story.world, &state, story.now)), &story.world);
    }
    samples
}

fn median(mut lives: Vec<Duration>) -> Duration {
    lives.sort_unstable();
    lives[lives.len() / 2]
}

#[test]
fn in_recordings_each_headline_stands_until_it_is_read_and_nothing_contradicts_it() {
    let samples = RECORDINGS.map(of_recording);
    for (name, sample) in RECORDINGS.iter().zip(&samples) {
        let short =
            sample.headlines.windows(2).filter(|pair| pair[1].rank <= pair[0].rank && pair[0].stood.as_millis() < 1500);
        assert_eq!(short.count(), 0, "{name}: {:#?}", sample.headlines);
        let minutes = sample.marks.len().div_ceil(1200);
        assert!(sample.changes_of_full() <= 12 * minutes, "{name}: {}", sample.changes_of_full());
    }
    let lives: Vec<_> = samples.iter().flat_map(Samples::lives).collect();
    // Recordings are short: in some the end is what ends the last headline. A whole minute is in the test below.
    assert!(lives.is_empty() || median(lives.clone()) >= Duration::from_millis(2500), "{lives:?}");
    let interrupted = |sample: &Samples| sample.headlines.len() - 1 - sample.lives().len();
    assert!(samples.iter().all(|sample| interrupted(sample) <= 3), "one above the other: note, full, dropped");
}

#[test]
fn in_a_minute_of_waves_each_headline_stands_until_it_is_read_and_nothing_contradicts_it() {
    let samples = of_waves();
    let lives = samples.lives();
    assert!(lives.len() >= 8, "{:#?}", samples.headlines);
    assert!(lives.iter().all(|life| *life >= Duration::from_millis(2500)), "{:#?}", samples.headlines);
    let all: Vec<_> = samples.headlines.iter().map(|seen| seen.stood).collect();
    assert!(median(all) >= Duration::from_millis(2500), "{:#?}", samples.headlines);
    assert!((1..=12).contains(&samples.changes_of_full()), "{}", samples.changes_of_full());
    assert!(samples.headlines.iter().any(|seen| seen.rank == Told::Over.rank() || seen.rank == Rank::Dropped));
}
