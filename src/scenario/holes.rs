//! Numbers in texts: `{accept_queue.depth} of 8 fit`.

/// The names in braces, in order. A name has no spaces.
pub fn holes(text: &str) -> Vec<&str> {
    pieces(text).filter_map(|piece| if let Piece::Hole(name) = piece { Some(name) } else { None }).collect()
}

/// The text with its numbers; — for an unknown one.
pub fn filled(text: &str, value: impl Fn(&str) -> Option<f64>) -> String {
    pieces(text).fold(String::with_capacity(text.len()), |mut filled, piece| {
        match piece {
            Piece::Plain(plain) => filled.push_str(plain),
            Piece::Hole(name) => filled.push_str(&value(name).map_or_else(|| "—".to_owned(), number)),
        }
        filled
    })
}

/// A number as text: integers without a point, others with as many digits as matter.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        _ if (value - value.round()).abs() < 1e-9 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        // Two significant digits, however many zeros precede them.
        size => (1.0 - size.log10().floor()).clamp(2.0, 12.0) as usize,
    };
    format!("{value:.digits$}")
}

enum Piece<'a> {
    Plain(&'a str),
    Hole(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let open = rest.find('{').unwrap_or(rest.len());
        if open > 0 {
            let (plain, behind) = rest.split_at(open);
            rest = behind;
            return Some(Piece::Plain(plain));
        }
        let name = rest.find('}').map(|close| &rest[1..close]);
        let named =
            |name: &&str| !name.is_empty() && !name.contains(|letter: char| letter.is_whitespace() || letter == '{');
        if let Some(name) = name.filter(named) {
            rest = &rest[name.len() + 2..];
            return Some(Piece::Hole(name));
        }
        rest = &rest[1..];
        Some(Piece::Plain("{"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_filled_in_and_unknown_ones_are_not_guessed() {
        let text = "{kept.held} of {n}: { a } {} {x";
        let known = |name: &str| (name == "kept.held").then_some(6.0);
        assert_eq!(holes(text), ["kept.held", "n"]);
        assert_eq!(filled(text, known), "6 of —: { a } {} {x");
        assert_eq!(filled("一{n}二", |_| Some(0.5)), "一0.50二");
    }

    #[test]
    fn a_number_has_as_many_digits_as_matter() {
        let said: Vec<_> = [6.0, 135_167.4, 12.34, 3.456, 0.25, 0.0160, 0.01234, -0.001_26, -2.0].map(number).into();
        assert_eq!(said, ["6", "135167", "12.3", "3.46", "0.25", "0.016", "0.012", "-0.0013", "-2"]);
    }
}
