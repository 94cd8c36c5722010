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

fn due(deck: &mut Playback, now: u64) -> Vec<u64> {
    match deck.next(ms(now)) {
        Next::Facts(facts) => facts.iter().map(|fact| fact.at.as_nanos() / 1_000_000).collect(),
        Next::Wait(_) | Next::Rest => Vec::new(),
    }
}

#[test]
fn facts_come_when_they_came() {
    let mut deck = playback();
    assert_eq!(due(&mut deck, 0), [0]);
    assert_eq!(deck.next(ms(0)), Next::Wait(Duration::from_millis(50)));
    assert_eq!(due(&mut deck, 99), [50]);
    assert_eq!(due(&mut deck, 100), [100, 100, 90]);
    assert_eq!(due(&mut deck, 9999), [300, 400]);
    assert_eq!(deck.next(ms(9999)), Next::Rest);
}

#[test]
fn a_pause_holds_everything_back() {
    let mut deck = playback();
    deck.play(ms(60), PlayCommand::Pause, &[]);
    assert_eq!(due(&mut deck, 60), [0, 50]);
    assert_eq!(deck.next(ms(5000)), Next::Rest);
    deck.play(ms(5000), PlayCommand::Pause, &[]);
    assert_eq!(deck.next(ms(5000)), Next::Wait(Duration::from_millis(40)));
}

#[test]
fn a_step_lets_one_thing_happen_and_holds() {
    let mut deck = playback();
    assert_eq!(due(&mut deck, 0), [0]);
    deck.play(ms(0), PlayCommand::Step, &[]);
    assert_eq!(due(&mut deck, 0), [50, 100]);
    assert_eq!(deck.playing(ms(777)).position, ms(100));
    assert_eq!(deck.next(ms(777)), Next::Rest);
    deck.play(ms(777), PlayCommand::Step, &[]);
    assert_eq!(due(&mut deck, 777), [100]);
    deck.play(ms(777), PlayCommand::Step, &[]);
    assert_eq!(due(&mut deck, 777), [90, 300]);
    deck.play(ms(777), PlayCommand::Step, &[]);
    deck.play(ms(777), PlayCommand::Step, &[]);
    assert_eq!(due(&mut deck, 777), [400]);
}

#[test]
fn going_back_begins_anew_and_going_ahead_does_not() {
    let mut deck = playback();
    assert_eq!(due(&mut deck, 120).len(), 5);
    deck.play(ms(120), PlayCommand::Ahead(Duration::from_millis(200)), &[]);
    assert_eq!(due(&mut deck, 120), [300]);
    deck.play(ms(120), PlayCommand::Back(Duration::from_millis(260)), &[]);
    assert_eq!(due(&mut deck, 120), [0, 50]);
    deck.play(ms(120), PlayCommand::End, &[]);
    assert_eq!(due(&mut deck, 120), [100, 100, 90, 300, 400]);
    deck.play(ms(120), PlayCommand::Home, &[]);
    assert_eq!(due(&mut deck, 120), [0]);
    assert_eq!(deck.playing(ms(150)).position, ms(30));
}

#[test]
fn seeking_while_paused_shows_that_moment_and_stays_paused() {
    let mut deck = playback();
    deck.play(ms(0), PlayCommand::Pause, &[]);
    deck.play(ms(0), PlayCommand::Ahead(Duration::from_millis(100)), &[]);
    assert_eq!(due(&mut deck, 0), [0, 50, 100, 100, 90]);
    assert!(deck.playing(ms(9)).paused);
    deck.play(ms(9), PlayCommand::Back(Duration::from_millis(10)), &[]);
    assert_eq!(due(&mut deck, 9), [0, 50]);
}

#[test]
fn going_back_before_the_first_fact_shows_it_nevertheless() {
    let mut deck = Playback::new(reader(&facts(20)), ms(420), ms(0));
    assert_eq!(due(&mut deck, 500).len(), 7);
    deck.play(ms(500), PlayCommand::Pause, &[]);
    deck.play(ms(500), PlayCommand::Pause, &[]);
    deck.play(ms(500), PlayCommand::Home, &[]);
    assert_eq!((due(&mut deck, 500), deck.playing(ms(500)).position), (vec![20], ms(0)));
}

#[test]
fn space_at_the_end_plays_again() {
    let mut deck = playback();
    deck.play(ms(0), PlayCommand::End, &[]);
    assert_eq!(due(&mut deck, 0).len(), 7);
    assert!(deck.playing(ms(0)).is_over());
    deck.play(ms(1000), PlayCommand::Pause, &[]);
    assert_eq!(due(&mut deck, 1000), [0]);
    assert_eq!(due(&mut deck, 1050), [50]);
}

#[test]
fn it_goes_on_from_the_nearest_bookmark_before_the_moment_and_tells_the_same() {
    let mut deck = playback();
    let mut bookmarks = Vec::new();
    for now in [0, 60, 310, 400] {
        due(&mut deck, now);
        bookmarks.push(deck.bookmark());
    }
    assert_eq!(bookmarks.iter().map(Bookmark::facts).collect::<Vec<_>>(), [1, 2, 6, 7]);
    let back = PlayCommand::Back(Duration::from_millis(100));
    assert_eq!(deck.play(ms(400), back, &bookmarks), Some(2), "the one at 300 ms");
    assert_eq!(due(&mut deck, 400), [] as [u64; 0]);
    assert_eq!(deck.play(ms(400), back, &bookmarks), Some(1));
    assert_eq!(due(&mut deck, 400), [100, 100, 90]);
    assert_eq!(deck.play(ms(400), PlayCommand::End, &bookmarks), Some(3), "ahead, too");
    assert_eq!(deck.play(ms(400), PlayCommand::Home, &bookmarks), Some(0));
    assert_eq!(
        deck.play(ms(450), PlayCommand::Ahead(Duration::ZERO), &bookmarks[..1]),
        None,
        "it stands there already"
    );
    assert_eq!(due(&mut deck, 450), [50]);
}

#[test]
fn what_is_damaged_ends_there_says_so_and_is_over() {
    let mut lines = facts(0).iter().map(|fact| serde_json::to_string(fact).unwrap() + "\n").collect::<Vec<_>>();
    lines[3] = "{\"at\":1000".to_owned() + "\n";
    let store = Store::Memory(PathBuf::from("x.qviz"), lines.concat().into_bytes().into());
    let mut deck = Playback::new(Facts::of(store.lines().unwrap()), ms(400), ms(0));
    let Next::Facts(told) = deck.next(ms(5000)) else { panic!("nothing is due") };
    assert_eq!(told[..3], facts(0)[..3]);
    assert!(
        matches!(&told[3].event, Event::Refused { message } if message.to_string().starts_with("x.qviz:4: not a fact"))
    );
    assert_eq!((told.len(), told[3].at), (4, ms(100)));
    assert_eq!(deck.next(ms(5000)), Next::Rest);
    assert!(deck.playing(ms(5000)).is_over() && deck.playing(ms(5000)).end == ms(100));
}

#[test]
fn more_than_comes_at_once_comes_bit_by_bit_and_is_shown_as_far_as_it_came() {
    let many: Vec<_> = (0..3 * MAX_BATCH as u64).map(happened).collect();
    let end = many.last().unwrap().at;
    let mut deck = Playback::new(reader(&many), end, ms(0));
    deck.play(ms(0), PlayCommand::End, &[]);
    let mut told = 0;
    while let Next::Facts(facts) = deck.next(ms(0)) {
        told += facts.len();
        assert!(facts.len() <= MAX_BATCH);
        assert_eq!(deck.reached(ms(0)), facts.last().unwrap().at);
    }
    assert_eq!((told, deck.reached(ms(0))), (many.len(), end));
}
