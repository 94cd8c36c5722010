//! `--ascii`: one table from every character on the screen to one ASCII character. The picture is painted once, in Unicode, and
//! translated cell by cell, so both pictures always show the same.

use std::borrow::Cow;

use ratatui::buffer::Buffer;

use crate::text::lang::{self, Lang};

/// The ASCII character for a character; `?` for one that the table does not have.
pub const fn of(symbol: char) -> &'static str {
    match symbol {
        '─' | '—' | '–' | '▔' | '▁' | '‾' => "-",
        '│' | '║' | '▏' | '▕' => "|",
        '┃' | '▐' | '↯' => "!",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '┛' | '╔' | '╗' | '╚' | '╝' | '†' | '±' => {
            "+"
        }
        '━' | '═' | '‖' | '▄' | '▅' | '▌' | '≈' => "=",
        '╌' | '┄' | '┈' | '▂' | '░' | '□' | '·' | '•' => ".",
        '╎' | '┆' | '┊' | '▃' | '▒' | '▎' | '▍' | '⋮' => ":",
        '▆' | '▓' | '▋' | '▊' | '▉' | '✓' | '×' => "*",
        '▇' | '█' | '■' | '▮' => "#",
        '▶' | '→' | '›' | '»' | '≥' => ">",
        '◀' | '←' | '‹' | '«' | '≤' => "<",
        '▲' | '↑' => "^",
        '▼' | '↓' => "v",
        '✗' => "x",
        '●' => "@",
        '◌' | '○' | '◯' => "o",
        '¤' => "$",
        // Not a dot: a text that is cut would end like a sentence.
        '↻' | '◷' | '…' => "~",
        '⊘' => "%",
        '⊖' => "&",
        'µ' => "u",
        '’' | '‘' => "'",
        '“' | '”' => "\"",
        _ => "?",
    }
}

/// The same text, with what no single ASCII character stands for written out, where only ASCII is drawn.
pub fn written_out(text: &str, ascii: bool) -> Cow<'_, str> {
    if ascii && text.contains('¾') { text.replace('¾', "3/4").into() } else { text.into() }
}

/// Translates a whole picture. A Chinese one keeps its letters.
pub fn translate(buffer: &mut Buffer) {
    let chinese = lang::here() == Lang::Chinese;
    for cell in &mut buffer.content {
        if let Some(symbol) = cell.symbol().chars().next()
            && !symbol.is_ascii()
            && !(chinese && is_letter(symbol))
        {
            cell.set_symbol(of(symbol));
        }
    }
}

/// True for Han characters and Chinese punctuation.
pub const fn is_letter(symbol: char) -> bool {
    matches!(symbol, '\u{3001}'..='\u{301F}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF5E}')
}
