//! A lesson, action by action, without a lab: its facts are made by hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::sync::Arc;
use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::client_clock::ClientClock;
use qviz::model::command::Command;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, Environment, Event};
use qviz::model::lesson::{LessonFact, Phase};
use qviz::model::settings::{ClientKind, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::scenario::parse::parse;
use qviz::scenario::player::{LessonKey, PlayMode, Player, PlayerAction};

const LESSON: &str = r#"order = 1
title = { en = "T", zh = "题" }
learn = { en = "L", zh = "学" }
remember = { en = "R", zh = "记" }
[main]
line = "backlog = 3"
instead = "backlog = 4"
[[scene]]
[scene.lab]
backlog = 3
[[scene.step]]
say = { en = "First.", zh = "一。" }
[[scene.step]]
ask = { en = "How many?", zh = "几个？" }
choices = [
    { en = "1", zh = "1", right = "clients.connected == 1" },
    { en = "2", zh = "2", right = "clients.connected == 2" },
]

do = ["burst 2"]
until = "clients.connected >= 2"
within = "4s"
after = "1s"
keep = { held = "clients.connected" }
say = { en = "{kept.held} came.", zh = "来了 {kept.held} 个。" }
[[scene.expect]]
what = { en = "two are connected", zh = "连上两个" }
that = "clients.connected == 2"
[[scene]]
[[scene.step]]
do = ["accept-rate max"]
[[scene.step]]
say = { en = "Last.", zh = "完。" }
[[claim]]
id = "two"
claim = { en = "C", zh = "断" }
holds = "kept.held == 2"
measured = { held = "kept.held" }
yes = { en = "{held}", zh = "{held}" }
no = { en = "no {held}", zh = "否 {held}" }
"#;

fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

/// A player and the world of its facts and the lab's.
struct Play {
    player: Player,
    world: World,
    at: Stamp,
    emitted: Vec<LessonFact>,
    commands: Vec<Command>,
    opened: Vec<usize>,
}

impl Play {
    fn new(mode: PlayMode) -> Self {
        Self::of(mode, LESSON)
    }

    fn of(mode: PlayMode, text: &str) -> Self {
        let lesson = Arc::new(parse("t.toml", "t", text).unwrap());
        let player = Player::new(lesson, mode);
        let mut play =
            Self { player, world: World::new(), at: ms(0), emitted: vec![], commands: vec![], opened: vec![] };
        let actions = play.player.begin();
        play.carry_out(actions);
        play
    }

    /// As a caller has to: facts are folded, a scene's session begins a little later.
    fn carry_out(&mut self, actions: Vec<PlayerAction>) {
        for next in actions {
            match next {
                PlayerAction::Emit(fact) => {
                    self.world.apply(self.at, &Event::Lesson(fact.clone()));
                    self.emitted.push(fact);
                }
                PlayerAction::Send(command) => self.commands.push(command),
                PlayerAction::Open(scene) => {
                    self.opened.push(scene);
                    let again = self.player.turn(&self.world, self.at);
                    assert_eq!(again, [], "the old session tells nothing about the new scene");
                    self.at = self.at + Duration::from_millis(1);
                    self.world.apply(self.at, &began());
                    let actions = self.player.turn(&self.world, self.at);
                    self.carry_out(actions);
                }
                PlayerAction::Over => {}
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        self.at = self.at + Duration::from_millis(millis);
        self.world.apply(self.at, &Event::Tick);
        let actions = self.player.turn(&self.world, self.at);
        self.carry_out(actions);
    }

    fn press(&mut self, press: LessonKey) {
        let actions = self.player.press(press, &self.world, self.at);
        self.carry_out(actions);
    }

    fn connect(&mut self, count: u64) {
        self.world.clients.connected = count;
    }

    /// Scene, step and phase, as a person sees them.
    fn shown(&self) -> (usize, Option<usize>, Phase) {
        let course = self.world.lesson.as_ref().unwrap();
        (course.scene, course.step, course.phase)
    }
}

fn began() -> Event {
    Event::Began(Box::new(Began {
        syn_rule: None,
        kernel: "6.18.0".to_owned(),
        environment: Environment::Lab,
        fallback: None,
        pid: 1,
        seed: 1,
        clients: ClientKind::Wire,
        address: "198.51.100.1:8080".parse().unwrap(),
        tap: true,
        private_counters: true,
        host: Sysctls::default(),
        sysctls: Sysctls::default(),
        watched: false,
    }))
}

#[test]
fn by_hand_everything_waits_for_the_person() {
    let mut play = Play::new(PlayMode::Hand);
    assert_eq!((play.opened.as_slice(), play.shown()), ([0].as_slice(), (0, Some(0), Phase::Done)));
    play.pass(60_000);
    assert_eq!(play.shown(), (0, Some(0), Phase::Done));
    play.press(LessonKey::Go);
    assert_eq!(play.shown(), (0, Some(1), Phase::Asked));
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(2));
    assert_eq!(
        (play.shown(), play.commands.len()),
        ((0, Some(1), Phase::Asked), 0),
        "a question waits for one of its choices"
    );
    play.press(LessonKey::Choose(1));
    assert_eq!((play.shown(), play.commands.as_slice()), ((0, Some(1), Phase::Doing), [Command::Burst(2)].as_slice()));
    play.connect(2);
    play.pass(900);
    play.press(LessonKey::Go);
    assert_eq!(play.shown(), (0, Some(1), Phase::Doing), "not before `after`");
    play.pass(100);
    assert_eq!(play.shown(), (0, Some(1), Phase::Done));
    let course = play.world.lesson.as_ref().unwrap();
    assert_eq!((course.choice, course.score(), course.kept["held"]), (Some((1, Some(true))), (1, 1), 2.0));
    play.press(LessonKey::Go);
    assert_eq!((play.opened.as_slice(), play.shown()), ([0, 1].as_slice(), (1, Some(0), Phase::Doing)));
    play.pass(60);
    assert_eq!(play.shown(), (1, Some(1), Phase::Done), "a step that asks and says nothing is left at once");
    play.press(LessonKey::Go);
    assert!(play.player.is_over() && play.world.lesson.as_ref().unwrap().over);
    assert_eq!((play.player.checks(), play.player.claims()[0].sentence.as_str()), ([].as_slice(), "2"));
}

#[test]
fn a_wrong_prediction_is_reported_and_back_repeats_the_scene() {
    let mut play = Play::new(PlayMode::Hand);
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(0));
    play.connect(2);
    play.pass(1000);
    assert_eq!(play.world.lesson.as_ref().unwrap().choice, Some((0, Some(false))));
    play.press(LessonKey::Back);
    assert_eq!((play.opened.as_slice(), play.shown()), ([0, 0].as_slice(), (0, Some(0), Phase::Done)));
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(1));
    play.connect(2);
    play.pass(1000);
    play.press(LessonKey::Go);
    assert_eq!(play.shown(), (1, Some(0), Phase::Doing));
    assert_eq!(play.world.lesson.as_ref().unwrap().score(), (1, 1), "one question, whose last answer was right");
    play.press(LessonKey::Back);
    assert_eq!(
        (play.opened.as_slice(), play.shown().0),
        ([0, 0, 1, 0].as_slice(), 0),
        "at its first step: the scene before"
    );
}

#[test]
fn back_repeats_a_first_step_of_which_something_came() {
    let said = r#"do = ["accept-rate max"]
say = { en = "Done.", zh = "好。" }"#;
    let mut play = Play::of(PlayMode::Hand, &LESSON.replace(r#"do = ["accept-rate max"]"#, said));
    play.press(LessonKey::Back);
    assert_eq!(play.opened, [0, 0], "there is no scene before the first");
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(1));
    play.connect(2);
    play.pass(1000);
    play.press(LessonKey::Go);
    play.pass(60);
    assert_eq!(play.shown(), (1, Some(0), Phase::Done));
    play.press(LessonKey::Back);
    assert_eq!((play.opened.as_slice(), play.shown()), ([0, 0, 1, 1].as_slice(), (1, Some(0), Phase::Doing)));
    play.press(LessonKey::Back);
    assert_eq!((play.opened.as_slice(), play.shown().0), ([0, 0, 1, 1, 0].as_slice(), 0), "nothing has come of it yet");
}

#[test]
fn what_does_not_come_is_said_and_left_and_may_still_come() {
    let mut play = Play::new(PlayMode::Hand);
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(1));
    play.pass(3900);
    assert_eq!(play.shown().2, Phase::Doing);
    play.pass(100);
    assert_eq!(play.shown(), (0, Some(1), Phase::Missed));
    play.connect(2);
    play.pass(10);
    assert_eq!(play.shown(), (0, Some(1), Phase::Done));
    let mut play = Play::new(PlayMode::Hand);
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(1));
    play.pass(4000);
    play.press(LessonKey::Go);
    assert_eq!(play.shown().0, 1);
}

#[test]
fn who_holds_the_clients_time_holds_the_lesson_too() {
    let mut play = Play::new(PlayMode::Hand);
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(1));
    let tempo = ClientClock { held: true, ..ClientClock::default() };
    play.world.apply(play.at, &Event::Tempo(tempo));
    play.pass(60_000);
    assert_eq!(play.shown().2, Phase::Doing);
    play.world.apply(play.at, &Event::Tempo(ClientClock { held: false, pace: 0.5, ..tempo }));
    play.pass(7900);
    assert_eq!(play.shown().2, Phase::Doing, "half as fast");
    play.pass(200);
    assert_eq!(play.shown().2, Phase::Missed);
}

#[test]
fn by_itself_it_takes_the_time_to_read_and_asks_nothing() {
    let mut play = Play::new(PlayMode::Auto);
    let wake = play.player.wake(play.at).unwrap();
    assert_eq!(wake.since(play.at), Duration::from_secs(3));
    play.pass(3000);
    assert_eq!(play.shown(), (0, Some(1), Phase::Asked));
    play.pass(3000);
    assert_eq!((play.shown().2, play.commands.len()), (Phase::Doing, 1));
    play.connect(2);
    play.pass(1000);
    assert_eq!(play.world.lesson.as_ref().unwrap().score(), (0, 0));
    play.pass(3000);
    play.pass(60);
    play.pass(3000);
    assert!(play.player.is_over());
}

#[test]
fn a_check_waits_for_no_input_and_judges_at_the_end() {
    let mut play = Play::new(PlayMode::Check);
    assert_eq!((play.shown(), play.commands.len()), ((0, Some(1), Phase::Doing), 1));
    play.connect(2);
    play.pass(1000);
    assert_eq!(play.shown(), (1, Some(0), Phase::Doing));
    play.pass(60);
    assert!(play.player.is_over());
    let [check] = play.player.checks() else { panic!("{:?}", play.player.checks()) };
    assert!(check.passed, "{check:?}");
    assert_eq!(check.measured, [("clients.connected".to_owned(), Some(2.0))]);
    let claim = &play.player.claims()[0];
    assert_eq!((claim.verdict, claim.measured["held"]), (qviz::scenario::outcome::Verdict::Holds, Some(2.0)));
}

#[test]
fn in_a_check_what_does_not_come_fails_and_so_does_what_is_not_so() {
    let mut play = Play::new(PlayMode::Check);
    play.connect(1);
    play.pass(4000);
    play.pass(60);
    assert!(play.player.is_over());
    let failed: Vec<_> = play.player.checks().iter().map(|check| (check.expected.as_str(), check.passed)).collect();
    assert_eq!(failed, [("clients.connected >= 2", false), ("clients.connected == 2", false)]);
    assert_eq!(play.player.claims()[0].verdict, qviz::scenario::outcome::Verdict::Undecided, "nothing was kept");
}

#[test]
fn a_condition_that_was_true_before_the_commands_waits_until_they_were_received() {
    let lesson = LESSON.replace("do = [\"accept-rate max\"]", "do = [\"accept-rate max\"]\nuntil = \"t_s >= 0\"");
    let mut play = Play::of(PlayMode::Check, &lesson);
    play.connect(2);
    play.pass(1000);
    assert_eq!(play.shown(), (1, Some(0), Phase::Doing));
    play.pass(40);
    assert_eq!(play.shown(), (1, Some(0), Phase::Doing));
    play.pass(20);
    assert!(play.player.is_over());
}

#[test]
fn what_the_kernel_counts_is_read_once_more_before_it_is_kept_and_checked() {
    let counted = |count| {
        let mut counters = Counters::default();
        counters.set(Counter::ListenDrops, count);
        Event::Counters(Box::new(counters))
    };
    let lesson = LESSON
        .replace(
            "keep = { held = \"clients.connected\" }",
            "keep = { held = \"clients.connected\", drops = \"counters.ListenDrops\" }",
        )
        .replace("that = \"clients.connected == 2\"", "that = \"counters.ListenDrops == 5\"");
    for mode in [PlayMode::Check, PlayMode::Hand] {
        let mut play = Play::of(mode, &lesson);
        play.press(LessonKey::Go);
        play.press(LessonKey::Choose(1));
        play.world.apply(play.at, &counted(0));
        play.world.apply(play.at, &counted(3));
        play.connect(2);
        play.pass(1000);
        assert_eq!(play.shown(), (0, Some(1), Phase::Doing));
        let kept = |play: &Play| play.world.lesson.as_ref().unwrap().kept.clone();
        assert_eq!(kept(&play).keys().collect::<Vec<_>>(), ["held"], "what is exact at any time is kept at once");
        play.connect(7);
        play.at = play.at + Duration::from_millis(20);
        play.world.apply(play.at, &counted(5));
        play.pass(0);
        assert_eq!((kept(&play)["held"], kept(&play)["drops"]), (2.0, 5.0));
        if mode == PlayMode::Check {
            assert!(play.player.checks()[0].passed, "{:?}", play.player.checks());
        }
    }
    let mut play = Play::of(PlayMode::Hand, &lesson);
    play.press(LessonKey::Go);
    play.press(LessonKey::Choose(1));
    play.world.apply(play.at, &counted(0));
    play.connect(2);
    play.pass(1000);
    play.pass(900);
    assert_eq!(play.shown().2, Phase::Doing);
    play.pass(100);
    assert_eq!(play.shown().2, Phase::Done, "nobody waits longer for it");
}

#[test]
fn it_is_woken_for_each_deadline_and_never_for_one_that_has_passed() {
    let mut play = Play::new(PlayMode::Check);
    let mut woken = Vec::new();
    while let Some(at) = play.player.wake(play.at) {
        assert!(at > play.at);
        woken.push(at.since(ms(1)).as_millis());
        play.at = at;
        let actions = play.player.turn(&play.world, at);
        play.carry_out(actions);
        assert!(woken.len() < 20, "{woken:?}");
    }
    assert_eq!(woken[..2], [1000, 4000], "after, within; the lab's silence of a second falls on the first of them");
}
