//! `--ascii`: one table from every sign on the screen to one ASCII character. The picture is painted once, in Unicode, and
//! translated cell by cell, so both pictures always say the same.

use ratatui::buffer::Buffer;

use crate::text::lang::{self, Lang};

/// The ASCII character for a sign; `?` for one that nobody has thought of.
pub const fn of(symbol: char) -> &'static str {
    match symbol {
        '─' | '—' | '–' | '▔' | '▁' | '‾' => "-",
        '│' | '║' | '▏' | '▕' => "|",
        '┃' | '▐' | '↯' => "!",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╔' | '╗' | '╚' | '╝' | '†' | '±' => {
            "+"
        }
        '━' | '═' | '‖' | '▄' | '▅' | '▌' | '≈' => "=",
        '╌' | '┄' | '┈' | '▂' | '░' | '□' | '·' | '…' | '•' => ".",
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
        '↻' | '◷' => "~",
        '⊘' => "%",
        '⊖' => "&",
        'µ' => "u",
        '’' | '‘' => "'",
        '“' | '”' => "\"",
        _ => "?",
    }
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

/// True for Han letters and the signs that stand between them.
pub const fn is_letter(symbol: char) -> bool {
    matches!(symbol, '\u{3001}'..='\u{301F}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF5E}')
}
