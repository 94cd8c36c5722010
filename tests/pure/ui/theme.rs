//! Themes: colours and their absence.

use std::collections::HashSet;

use qviz::ui::theme::{ColorChoice, Depth, Meaning, NAMES, Terminfo, Theme, depth, nearest};
use ratatui::style::Color;

#[test]
fn no_color_leaves_modifiers_only() {
    let info = Terminfo { term: "xterm-256color".into(), colorterm: "truecolor".into(), no_color: true };
    let theme = Theme::named("dark", depth(ColorChoice::Auto, &info), false).unwrap();
    for meaning in [Meaning::Travelling, Meaning::Waiting(2), Meaning::Served, Meaning::Lost, Meaning::Divergent] {
        assert!(theme.text(meaning).fg.is_none_or(|color| color == Color::Reset));
        assert_eq!(theme.fill(meaning).bg, None);
    }
    assert_eq!(depth(ColorChoice::Always, &info), Depth::True);
}

#[test]
fn every_name_is_a_theme_and_a_slip_finds_the_nearest() {
    for name in NAMES {
        assert!(Theme::named(name, Depth::True, false).is_some(), "{name}");
    }
    assert!(Theme::named("drak", Depth::True, false).is_none());
    assert_eq!(nearest("ligth"), "light");
}

#[test]
fn the_five_meanings_have_five_colours() {
    for (name, depth) in
        NAMES[..3].iter().flat_map(|name| [Depth::Sixteen, Depth::Cube, Depth::True].map(|depth| (name, depth)))
    {
        let theme = Theme::named(name, depth, false).unwrap();
        let all = [Meaning::Travelling, Meaning::Waiting(3), Meaning::Served, Meaning::Lost, Meaning::Divergent];
        let colors: HashSet<_> = all.map(|meaning| theme.text(meaning).fg).into_iter().collect();
        assert_eq!(colors.len(), all.len(), "{name} {depth:?}");
    }
}
