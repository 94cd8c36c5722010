//! A lesson of one's own: each of its scenes begins afresh, in the same network.

use super::document;
use crate::lab;
use crate::needs::network;

const OWN: &str = r#"order = 1
title = { en = "Afresh", zh = "从头" }
learn = { en = "Each scene begins afresh.", zh = "每个场景都从头开始。" }
remember = { en = "Each scene begins afresh.", zh = "每个场景都从头开始。" }
[main]
line = "backlog = 2"
instead = "backlog = 3"
[[scene]]
[scene.lab]
backlog = 2
rtt = "20ms"
syncookies = 0
somaxconn = 64
synack-retries = 1
[[scene.step]]
do = ["burst 9", "abort-on-overflow 1"]
until = "clients.started == 9 and counters.ListenDrops >= 1 and t_s >= 4"
keep = { first_s = "t_s", drops = "counters.ListenDrops", held = "accept_queue.max" }
[[scene.expect]]
what = { en = "the scene's settings are in force", zh = "场景的设置生效" }
that = "sysctl.tcp_syncookies == 0 and sysctl.somaxconn == 64 and sysctl.tcp_synack_retries == 1 and sysctl.tcp_abort_on_overflow == 1"
[[scene]]
[[scene.step]]
after = "300ms"
[[scene.step]]
do = ["accept-rate max"]
[[scene.expect]]
what = { en = "settings that are not written are those of a fresh Linux", zh = "没有写的设置是新装 Linux 的设置" }
that = "sysctl.tcp_syncookies == 1 and sysctl.somaxconn == 4096 and sysctl.tcp_synack_retries == 5 and sysctl.tcp_abort_on_overflow == 0"
[[scene.expect]]
what = { en = "nothing of the scene before is counted", zh = "不计入前一个场景的任何东西" }
that = "clients.started == 0 and counters.ListenDrops == 0 and accept_queue.max == 0 and syn_queue.max == 0 and segments.syn == 0"
[[scene.expect]]
what = { en = "time counts from the scene's beginning", zh = "时间从场景开始算起" }
that = "t_s >= 0.3 and t_s < kept.first_s"
[[scene.expect]]
what = { en = "what was kept is known", zh = "保留的数字是已知的" }
that = "kept.drops >= 1 and kept.held == 3"
[[claim]]
id = "afresh"
claim = { en = "Nothing is kept.", zh = "什么都不保留。" }
holds = "kept.held == 0"
measured = { held = "kept.held" }
yes = { en = "Yes: {held}.", zh = "是：{held}。" }
no = { en = "No: {held}.", zh = "否：{held}。" }
"#;

case!(each_scene_of_a_lesson_of_ones_own_begins_afresh_in_the_same_network);
fn each_scene_of_a_lesson_of_ones_own_begins_afresh_in_the_same_network() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("afresh.toml");
    std::fs::write(&path, OWN).unwrap();
    let output = lab::run_qviz(["lesson", path.to_str().unwrap(), "--check", "--json", "--lang", "zh"], super::LIMIT);
    let document = document(&output);
    assert!(output.status.success(), "{document:#}");
    assert_eq!(document["lessons"][0]["checks"].as_array().unwrap().len(), 5);
    let claim = &document["claims"][0];
    assert_eq!((&claim["verdict"], &claim["sentence"]), (&"does-not-hold".into(), &"否：3。".into()), "{claim}");
}

case!(what_does_not_come_in_time_fails_the_check_with_what_was_measured);
fn what_does_not_come_in_time_fails_the_check_with_what_was_measured() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.toml");
    let text = OWN
        .replace("clients.started == 9 and", "clients.started == 10 and")
        .replace("keep =", "within = \"2s\"\nkeep =");
    std::fs::write(&path, text).unwrap();
    let output = lab::run_qviz(["lesson", path.to_str().unwrap(), "--check", "--json"], super::LIMIT);
    assert_eq!(output.status.code(), Some(3));
    let document = document(&output);
    let missed = &document["lessons"][0]["checks"][0];
    assert_eq!((&missed["passed"], &missed["measured"]["clients.started"]), (&false.into(), &9.into()), "{missed}");
    assert_eq!(document["claims"][0]["verdict"], "undecided", "nothing was kept");
    assert!(document["claims"][0]["sentence"].as_str().unwrap().contains("kept.held"));
}
