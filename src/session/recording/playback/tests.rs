use std::path::PathBuf;

use super::super::record_reader::Store;
use super::*;

fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

fn happened(millis: u64) -> Stamped {
    Stamped { at: ms(millis), event: Event::Refused { message: millis.to_string().into() } }
}

fn reader(facts: &[Stamped]) -> Facts {
    let lines = facts.iter().map(|fact| serde_json::to_string(fact).unwrap() + "\n");
    let bytes: Vec<u8> = lines.collect::<String>().into_bytes();
    Facts::of(Store::Memory(PathBuf::from("memory"), bytes.into()).lines().unwrap())
}

/// A refusal happens, a tick does not.
fn facts(first: u64) -> Vec<Stamped> {
    let tick = |millis| Stamped { at: ms(millis), event: Event::Tick };
    let facts = [happened(0), tick(50), happened(100), happened(100), tick(90), happened(300), tick(400)].into_iter();
    facts.map(|fact| Stamped { at: fact.at + Duration::from_millis(first), ..fact }).collect()
}

fn playback() -> Playback {
    Playback::new(reader(&facts(0)), ms(400), ms(0))
}

fn due(playback: &mut Playback, now: u64) -> Vec<u64> {
    match playback.next(ms(now)) {
        Next::Facts(facts) => facts.iter().map(|fact| fact.at.as_nanos() / 1_000_000).collect(),
        Next::Wait(_) | Next::Rest => Vec::new(),
    }
}

#[test]
fn facts_come_when_they_came() {
    let mut playback = playback();
    assert_eq!(due(&mut playback, 0), [0]);
    assert_eq!(playback.next(ms(0)), Next::Wait(Duration::from_millis(50)));
    assert_eq!(due(&mut playback, 99), [50]);
    assert_eq!(due(&mut playback, 100), [100, 100, 90]);
    assert_eq!(due(&mut playback, 9999), [300, 400]);
    assert_eq!(playback.next(ms(9999)), Next::Rest);
}

#[test]
fn a_pause_holds_everything_back() {
    let mut playback = playback();
    playback.play(ms(60), PlayCommand::Pause, &[]);
    assert_eq!(due(&mut playback, 60), [0, 50]);
    assert_eq!(playback.next(ms(5000)), Next::Rest);
    playback.play(ms(5000), PlayCommand::Pause, &[]);
    assert_eq!(playback.next(ms(5000)), Next::Wait(Duration::from_millis(40)));
}

#[test]
fn a_step_delivers_one_event_and_holds() {
    let mut playback = playback();
    assert_eq!(due(&mut playback, 0), [0]);
    playback.play(ms(0), PlayCommand::Step, &[]);
    assert_eq!(due(&mut playback, 0), [50, 100]);
    assert_eq!(playback.playing(ms(777)).position, ms(100));
    assert_eq!(playback.next(ms(777)), Next::Rest);
    playback.play(ms(777), PlayCommand::Step, &[]);
    assert_eq!(due(&mut playback, 777), [100]);
    playback.play(ms(777), PlayCommand::Step, &[]);
    assert_eq!(due(&mut playback, 777), [90, 300]);
    playback.play(ms(777), PlayCommand::Step, &[]);
    playback.play(ms(777), PlayCommand::Step, &[]);
    assert_eq!(due(&mut playback, 777), [400]);
}

#[test]
fn going_back_begins_anew_and_going_ahead_does_not() {
    let mut playback = playback();
    assert_eq!(due(&mut playback, 120).len(), 5);
    playback.play(ms(120), PlayCommand::Ahead(Duration::from_millis(200)), &[]);
    assert_eq!(due(&mut playback, 120), [300]);
    playback.play(ms(120), PlayCommand::Back(Duration::from_millis(260)), &[]);
    assert_eq!(due(&mut playback, 120), [0, 50]);
    playback.play(ms(120), PlayCommand::End, &[]);
    assert_eq!(due(&mut playback, 120), [100, 100, 90, 300, 400]);
    playback.play(ms(120), PlayCommand::Home, &[]);
    assert_eq!(due(&mut playback, 120), [0]);
    assert_eq!(playback.playing(ms(150)).position, ms(30));
}

#[test]
fn seeking_while_paused_shows_that_moment_and_stays_paused() {
    let mut playback = playback();
    playback.play(ms(0), PlayCommand::Pause, &[]);
    playback.play(ms(0), PlayCommand::Ahead(Duration::from_millis(100)), &[]);
    assert_eq!(due(&mut playback, 0), [0, 50, 100, 100, 90]);
    assert!(playback.playing(ms(9)).paused);
    playback.play(ms(9), PlayCommand::Back(Duration::from_millis(10)), &[]);
    assert_eq!(due(&mut playback, 9), [0, 50]);
}

#[test]
fn going_back_before_the_first_fact_shows_it_nevertheless() {
    let mut playback = Playback::new(reader(&facts(20)), ms(420), ms(0));
    assert_eq!(due(&mut playback, 500).len(), 7);
    playback.play(ms(500), PlayCommand::Pause, &[]);
    playback.play(ms(500), PlayCommand::Pause, &[]);
    playback.play(ms(500), PlayCommand::Home, &[]);
    assert_eq!((due(&mut playback, 500), playback.playing(ms(500)).position), (vec![20], ms(0)));
}

#[test]
fn space_at_the_end_plays_again() {
    let mut playback = playback();
    playback.play(ms(0), PlayCommand::End, &[]);
    assert_eq!(due(&mut playback, 0).len(), 7);
    assert!(playback.playing(ms(0)).is_over());
    playback.play(ms(1000), PlayCommand::Pause, &[]);
    assert_eq!(due(&mut playback, 1000), [0]);
    assert_eq!(due(&mut playback, 1050), [50]);
}

#[test]
fn it_goes_on_from_the_nearest_bookmark_before_the_moment_and_delivers_the_same() {
    let mut playback = playback();
    let mut bookmarks = Vec::new();
    for now in [0, 60, 310, 400] {
        due(&mut playback, now);
        bookmarks.push(playback.bookmark());
    }
    assert_eq!(bookmarks.iter().map(Bookmark::facts).collect::<Vec<_>>(), [1, 2, 6, 7]);
    let back = PlayCommand::Back(Duration::from_millis(100));
    assert_eq!(playback.play(ms(400), back, &bookmarks), Some(2), "the one at 300 ms");
    assert_eq!(due(&mut playback, 400), [] as [u64; 0]);
    assert_eq!(playback.play(ms(400), back, &bookmarks), Some(1));
    assert_eq!(due(&mut playback, 400), [100, 100, 90]);
    assert_eq!(playback.play(ms(400), PlayCommand::End, &bookmarks), Some(3), "ahead, too");
    assert_eq!(playback.play(ms(400), PlayCommand::Home, &bookmarks), Some(0));
    assert_eq!(
        playback.play(ms(450), PlayCommand::Ahead(Duration::ZERO), &bookmarks[..1]),
        None,
        "it stands there already"
    );
    assert_eq!(due(&mut playback, 450), [50]);
}

#[test]
fn what_is_damaged_ends_there_with_a_report_and_is_over() {
    let mut lines = facts(0).iter().map(|fact| serde_json::to_string(fact).unwrap() + "\n").collect::<Vec<_>>();
    lines[3] = "{\"at\":1000".to_owned() + "\n";
    let store = Store::Memory(PathBuf::from("x.qviz"), lines.concat().into_bytes().into());
    let mut playback = Playback::new(Facts::of(store.lines().unwrap()), ms(400), ms(0));
    let Next::Facts(delivered) = playback.next(ms(5000)) else { panic!("nothing is due") };
    assert_eq!(delivered[..3], facts(0)[..3]);
    assert!(
        matches!(&delivered[3].event, Event::Refused { message } if message.to_string().starts_with("x.qviz:4: not a fact"))
    );
    assert_eq!((delivered.len(), delivered[3].at), (4, ms(100)));
    assert_eq!(playback.next(ms(5000)), Next::Rest);
    assert!(playback.playing(ms(5000)).is_over() && playback.playing(ms(5000)).end == ms(100));
}

#[test]
fn more_than_comes_at_once_comes_bit_by_bit_and_is_shown_as_far_as_it_came() {
    let many: Vec<_> = (0..3 * MAX_BATCH as u64).map(happened).collect();
    let end = many.last().unwrap().at;
    let mut playback = Playback::new(reader(&many), end, ms(0));
    playback.play(ms(0), PlayCommand::End, &[]);
    let mut delivered = 0;
    while let Next::Facts(facts) = playback.next(ms(0)) {
        delivered += facts.len();
        assert!(facts.len() <= MAX_BATCH);
        assert_eq!(playback.reached(ms(0)), facts.last().unwrap().at);
    }
    assert_eq!((delivered, playback.reached(ms(0))), (many.len(), end));
}
