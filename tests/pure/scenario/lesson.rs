//! Tests of `scenario::lesson`.

use qviz::model::command::Command;
use qviz::scenario::library::lessons;

#[test]
fn what_a_lesson_sets_itself_was_not_turned_by_hand_and_a_key_was() {
    for scene in lessons().unwrap().iter().flat_map(|lesson| lesson.scenes.clone()) {
        let (mut knobs, began) = (scene.lab.knobs.clone(), scene.lab.sysctls.clone());
        let mut sysctls = began.clone();
        for (index, step) in scene.steps.iter().enumerate() {
            assert_eq!(scene.turned(index, &began, (&knobs, &sysctls)), []);
            let mut other = knobs.clone();
            other.backlog += 1;
            assert_eq!(scene.turned(index, &began, (&other, &sysctls)), [Command::Listen(other.backlog)]);
            for command in &step.commands {
                command.turn(&mut knobs);
                if let Command::Sysctl(name, value) = *command {
                    sysctls.set(name, value);
                }
            }
        }
    }
}
