//! Tests of `ui::export::motion`.

use std::time::Duration;

use qviz::ui::export::motion::Motion;
use qviz::ui::export::svg::Background;
use ratatui::buffer::Buffer;

fn film(frames: &[&[&str]]) -> String {
    let mut motion = Motion::new(Background::Dark, (4, 2), Duration::from_millis(250));
    for lines in frames {
        motion.frame(&Buffer::with_lines(lines.iter().copied()));
    }
    motion.write("a film")
}

#[test]
fn a_row_that_comes_again_is_drawn_once_and_every_frame_has_its_turn() {
    let svg = film(&[&["one ", "    "], &["two ", "one "], &["one ", "two "]]);
    assert_eq!((svg.matches("<text").count(), svg.matches("<g class=\"f\"").count()), (2, 3), "{svg}");
    assert_eq!(svg.matches("<use").count(), 5, "a blank row is nothing: {svg}");
    assert!(svg.contains("animation:f 0.75s step-end infinite") && svg.contains("animation-delay:0.50s"), "{svg}");
    assert!(svg.contains("33.3333%{visibility:hidden}"), "{svg}");
}

#[test]
fn every_row_that_is_used_is_drawn_and_one_frame_stands_where_nothing_may_move() {
    let svg = film(&[&["a b ", "c   "], &["a   ", "    "]]);
    for used in svg.split("href=\"#").skip(1) {
        let name = used.split('"').next().unwrap();
        assert!(svg.contains(&format!("<g id=\"{name}\">")), "{name}: {svg}");
    }
    assert!(svg.contains("prefers-reduced-motion:reduce") && svg.contains("#m1{visibility:visible}"), "{svg}");
}
