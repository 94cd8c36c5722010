//! A lesson told by hand, beside a listener's life told by hand.

use std::time::Duration;

use qviz::model::client_clock::ClientClock;
use qviz::model::event::{Environment, Event};
use qviz::model::experiment::{CallOutcome, CallRecord, ExperimentFact, ExperimentId};
use qviz::model::lesson::{LessonFact, Phase};
use qviz::model::settings::AcceptRate;
use qviz::scenario::facts::Facts;
use qviz::ui::lesson::LessonState;

use crate::story::{Story, ms};

const LESSON: &str = r#"
order = 1
title = { en = "N + 1", zh = "N + 1" }
learn = { en = "How many connections a backlog of 5 really holds.", zh = "backlog 为 5 的队列实际能容纳多少个连接。" }
remember = { en = "A backlog of N holds N + 1.", zh = "backlog 为 N 时能容纳 N + 1 个连接。" }

[main]
line = "backlog = 5"
instead = "backlog = 9"

[[scene]]
[scene.lab]
backlog = 5
rate = 8

[[scene.step]]
say = { en = "The program never calls accept(): whoever has finished the handshake has to wait.", zh = "程序从不调用 accept()：完成握手的连接只能在队列里等待。" }

[[scene.step]]
ask = { en = "listen(5): eight clients come at once. How many of them fit?", zh = "listen(5)：八个客户端同时到来，其中多少个放得下？" }
choices = [
    { en = "5", zh = "5", right = "accept_queue.depth == 5" },
    { en = "6", zh = "6", right = "accept_queue.depth == 6" },
    { en = "8, all of them", zh = "8，全部", right = "accept_queue.depth == 8" },
]
do = ["burst 8"]
until = "accept_queue.depth >= listener.accept_capacity"
keep = { held = "accept_queue.depth" }
say = { en = "{accept_queue.depth} in the queue of 8: one more than the backlog. Linux compares with >, not with >=, so a queue is full only when it holds more than its backlog.", zh = "8 个里有 {accept_queue.depth} 个进了队列：比 backlog 多一个。Linux 用 > 而不是 >= 比较，所以队列里的数目超过 backlog 时才算满。" }

[[scene.expect]]
what = { en = "six connections fit", zh = "能容纳六个连接" }
that = "accept_queue.max == 6"

[[scene]]
[[scene.step]]
say = { en = "Now the same without a listener's clients.", zh = "现在看没有客户端的情形。" }

[[scene.step]]
do = ["trial bind-four"]
until = "trial.done >= 1"
say = { en = "{trial.rows} ways to bind, and each chose something else.", zh = "{trial.rows} 种 bind 方式，各有不同的结果。" }

[[claim]]
id = "plus-one"
claim = { en = "Systems read backlog as n, n + 1, n + 3.", zh = "各系统把 backlog 理解为 n、n + 1 或 n + 3。" }
holds = "kept.held == 5 + 1"
measured = { held = "kept.held", backlog = "listener.backlog" }
yes = { en = "Here it is n + 1: {held} with a backlog of {backlog}.", zh = "这里是 n + 1：backlog 为 {backlog} 时容纳 {held} 个。" }
no = { en = "Here {held} fit a backlog of {backlog}.", zh = "这里 backlog 为 {backlog} 时容纳 {held} 个。" }
"#;

/// A listener and a lesson about it.
pub(crate) struct LessonStory {
    pub(crate) story: Box<Story>,
    pub(crate) notebook: LessonState,
}

impl LessonStory {
    /// A lesson that has just begun, played by somebody at the keys.
    pub(crate) fn begin() -> Self {
        Self::of("n-plus-one", LESSON)
    }

    /// The same with this lesson.
    pub(crate) fn of(name: &str, source: &str) -> Self {
        let opened = Event::Lesson(LessonFact::Opened { name: name.into(), source: source.into() });
        let mut story = Box::new(Story::after(std::slice::from_ref(&opened), Environment::Lab, 5, 1));
        story.knobs(5, AcceptRate::Paused, 0.0);
        story.run(ms(500));
        let mut class = Self { story, notebook: LessonState::new(true) };
        class.notebook.handle(&class.story.world, &opened);
        class.scene(0);
        class
    }

    pub(crate) fn scene(&mut self, scene: usize) {
        self.fact(LessonFact::Scene(scene));
    }

    pub(crate) fn step(&mut self, step: usize, phase: Phase) {
        self.fact(LessonFact::Step { step, phase });
        let course = self.story.world.lesson.as_deref().unwrap();
        let facts = Facts { world: &self.story.world, kept: &course.kept };
        let present = self.notebook.step(course);
        if let Some(measured) = present.and_then(|step| step.measured(phase, facts)) {
            self.fact(measured);
        }
    }

    pub(crate) fn choose(&mut self, choice: usize) {
        self.fact(LessonFact::Chose { choice });
    }

    pub(crate) fn score(&mut self, right: bool) {
        self.fact(LessonFact::Scored { right: Some(right) });
    }

    pub(crate) fn keep(&mut self, name: &str, value: f64) {
        self.fact(LessonFact::Kept { name: name.into(), value });
    }

    pub(crate) fn over(&mut self) {
        let course = self.story.world.lesson.as_deref().unwrap();
        let facts = Facts { world: &self.story.world, kept: &course.kept };
        let claims = self.notebook.lesson().map(|lesson| &lesson.claims[..]).unwrap_or_default();
        let judged: Vec<_> = claims.iter().map(|claim| claim.judge(facts)).collect();
        for judged in judged {
            self.fact(LessonFact::Judged(judged));
        }
        self.fact(LessonFact::Over);
    }

    /// Eight clients at once.
    pub(crate) fn eight_come(&mut self) {
        let (now, gap) = (self.story.now, Duration::from_millis(1));
        self.story.clients(0..8, now, gap, false);
    }

    /// The clients' time stands still.
    pub(crate) fn hold(&mut self) {
        let mut tempo = ClientClock::default();
        tempo.hold(self.story.now);
        self.story.emit(&Event::Tempo(tempo));
    }

    /// The second scene: an experiment that has come to its end.
    pub(crate) fn trial_scene(&mut self) {
        self.scene(1);
        self.step(0, Phase::Done);
        self.step(1, Phase::Doing);
        self.trial(ExperimentFact::Began(ExperimentId::BindFour));
        for (who, call, outcome, mood) in CALLS {
            let next = self.story.now + Duration::from_millis(40);
            self.story.run(next);
            let line = CallRecord { who: who.into(), call: call.into(), outcome: outcome.into(), mood };
            self.trial(ExperimentFact::Line(line));
        }
        for (name, value) in
            [("rows", 4.0), ("port-0-chosen-port", 37_211.0), ("late-ms", 12.25), ("in-use-errno", 98.0)]
        {
            self.trial(ExperimentFact::Measured { name: name.into(), value });
        }
        self.trial(ExperimentFact::Ended { trial: ExperimentId::BindFour, failed: None });
        self.step(1, Phase::Done);
    }

    pub(crate) fn trial(&mut self, fact: ExperimentFact) {
        self.story.emit(&Event::Experiment(fact));
    }

    fn fact(&mut self, fact: LessonFact) {
        let event = Event::Lesson(fact);
        self.story.emit(&event);
        self.notebook.handle(&self.story.world, &event);
    }
}

const CALLS: [(&str, &str, &str, CallOutcome); 9] = [
    ("server", "socket(AF_INET, SOCK_STREAM)", "fd 5", CallOutcome::Plain),
    ("server", "bind(0.0.0.0:0)", "0", CallOutcome::Good),
    ("kernel", "getsockname()", "0.0.0.0:37211", CallOutcome::Plain),
    ("server", "bind(127.0.0.1:0)", "0", CallOutcome::Good),
    (
        "server",
        "bind(127.0.0.1:37211)",
        "EADDRINUSE: 0.0.0.0 has it already, and an address is part of a wildcard",
        CallOutcome::Refused,
    ),
    (
        "client",
        "connect(127.0.0.1:9, SO_SNDTIMEO = 250 ms, non-blocking, TCP_NODELAY, one more option)",
        "EINPROGRESS",
        CallOutcome::Plain,
    ),
    ("wire", "SYN → 127.0.0.1:9", "no answer in 250 ms", CallOutcome::Silent),
    ("child", "close(5)", "0", CallOutcome::Good),
    ("server", "close(5)", "0", CallOutcome::Good),
];
