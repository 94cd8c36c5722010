//! The values of options: sizes and addresses; those that lessons use too are in [`words`](crate::scenario::words). Each
//! refusal says what is allowed, with an example.

use std::net::SocketAddr;

use crate::say;
use crate::ui::LARGEST;

pub use self::sweep::{Backlogs, backlogs};
pub use self::watch::{fail_on, metrics, target};
pub use crate::scenario::words::{
    accept_rate, arrivals, backlog, count, duration, nearest, period, rate, share, small_count,
};

mod sweep;
mod watch;

/// The size of a frame, `120x36`: 1 to 500 columns, 1 to 200 rows.
///
/// # Errors
/// What is allowed, in words.
pub fn size(text: &str) -> Result<(u16, u16), String> {
    let (width, height) =
        text.trim().split_once(['x', 'X', '×']).ok_or_else(|| say!("not a size ({examples})", examples = sizes()))?;
    let number =
        |text: &str| text.trim().parse::<u16>().map_err(|_| say!("not a size ({examples})", examples = sizes()));
    let size = (number(width)?, number(height)?);
    if (1..=LARGEST.width).contains(&size.0) && (1..=LARGEST.height).contains(&size.1) {
        Ok(size)
    } else {
        Err(say!("from 1x1 to 500x200 ({examples})", examples = sizes()))
    }
}

/// An address with its port. Names are not looked up.
///
/// # Errors
/// What is allowed, in words.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let bare = text.trim();
    if let Ok(address) = bare.parse() {
        return Ok(address);
    }
    let examples = say!("such as 198.51.100.1:8080, 127.0.0.1:0, [2001:db8::1]:8080");
    Err(say!("{why} ({examples})", why = no_address(bare), examples))
}

/// Why this text is no address with a port.
fn no_address(bare: &str) -> &'static str {
    let (host, port) = bare.rsplit_once(':').unwrap_or((bare, ""));
    if bare.parse::<std::net::IpAddr>().is_ok() {
        say!("the port is missing")
    } else if port.parse::<u32>().is_ok_and(|port| port > 65_535) {
        say!("a port is 65535 at most")
    } else if host.is_empty() || bare.bytes().all(|byte| byte.is_ascii_digit()) {
        say!("the address is missing")
    } else if host.bytes().any(|byte| byte.is_ascii_alphabetic()) && !host.contains(':') {
        say!("names are not looked up, write the numeric address")
    } else {
        say!("not an address with a port")
    }
}

fn sizes() -> &'static str {
    say!("columns and rows, such as 80x24 or 120x36")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_for_its_own_reason() {
        assert!(address("127.0.0.1:0").is_ok() && address("[::]:80").is_ok());
        for (wrong, why) in [
            ("127.0.0.1", "port is missing"),
            ("2001:db8::1", "port is missing"),
            ("8080", "address is missing"),
            (":8080", "address is missing"),
            ("127.0.0.1:65536", "65535"),
            ("localhost:80", "names"),
            ("1.2.3.4.5:80", "not an address"),
        ] {
            let message = address(wrong).unwrap_err();
            assert!(message.contains(why) && message.contains("such as"), "{wrong}: {message}");
        }
    }
}
