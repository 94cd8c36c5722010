//! Tests of `ui::state`.

use qviz::fold::world::World;
use qviz::model::stamp::Stamp;
use qviz::ui::keymap::Action;
use qviz::ui::state::{Density, Msg, UiState, update};

#[test]
fn density_changes_late_and_returns_later() {
    assert_eq!(Density::Cells.after(44), Density::Cells);
    assert_eq!(Density::Cells.after(45), Density::Marks);
    assert_eq!(Density::Marks.after(31), Density::Marks);
    assert_eq!(Density::Marks.after(29), Density::Cells);
    assert_eq!(Density::Marks.after(400), Density::Flows);
    assert_eq!(Density::Flows.after(251), Density::Flows);
    assert_eq!(Density::Flows.after(100), Density::Marks);
    assert_eq!(Density::Flows.after(0), Density::Cells);
}

#[test]
fn freezing_holds_the_moment_and_lets_it_go() {
    let (mut state, mut world) = (UiState::default(), World::new());
    update(&mut state, Msg::Press(Action::Freeze, Stamp::from_millis(5)), &world);
    world.clients.accepted = 7;
    let frozen = state.frozen.as_ref().unwrap();
    assert_eq!((frozen.at, frozen.world.clients.accepted), (Stamp::from_millis(5), 0));
    update(&mut state, Msg::Press(Action::Freeze, Stamp::from_millis(9)), &world);
    assert!(state.frozen.is_none());
}
