//! Tests of `ui::export::svg`.

use qviz::ui::export::svg::{Background, write};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

fn picture(cells: &[(&'static str, Style)]) -> Buffer {
    Buffer::with_lines([cells.iter().map(|(symbol, style)| Span::styled(*symbol, *style)).collect::<Line<'_>>()])
}

#[test]
fn a_piece_that_looks_the_same_is_one_element_at_its_column() {
    let (plain, red) = (Style::new(), Style::new().fg(Color::Rgb(255, 0, 0)));
    let svg = write(&picture(&[(" a<  ", plain), ("✗", red)]), Background::Dark, "a & b");
    assert!(svg.contains("<title>a &amp; b</title>"), "{svg}");
    assert!(svg.contains("<text x=\"18.4\" y=\"22.8\" textLength=\"16.8\">a&lt;</text>"), "{svg}");
    assert!(svg.contains("<text x=\"52\" y=\"22.8\" textLength=\"8.4\" class=\"c0\">✗</text>"), "{svg}");
    assert!(svg.contains(".c0{fill:#ff0000}"), "{svg}");
    assert_eq!(svg.matches("<text").count(), 2);
}

#[test]
fn a_background_is_drawn_under_blanks_too() {
    let svg = write(&picture(&[("a ", Style::new().reversed()), (" ", Style::new())]), Background::Light, "t");
    assert!(svg.contains("<rect x=\"10\" y=\"10\" width=\"16.8\" height=\"16.5\" fill=\"#202020\"/>"), "{svg}");
    assert!(svg.contains(".c0{fill:#ffffff}"), "{svg}");
}
