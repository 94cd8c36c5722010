//! The values of `qviz watch`: which listeners, and what ends it with exit status 3.

use std::net::{Ipv4Addr, SocketAddr};

use super::{nearest, no_address, period, share};
use crate::fold::fail_on::FailOn;
use crate::model::watch::Target;
use crate::say;

/// Which listeners: a port, an address with a port, a unix socket.
///
/// # Errors
/// What is allowed, in words.
pub fn target(text: &str) -> Result<Target, String> {
    let bare = text.trim();
    bare.parse().map_err(|_| say!("{why} ({examples})", why = no_target(bare), examples = targets()))
}

fn no_target(bare: &str) -> &'static str {
    let digits = bare.strip_prefix(':').unwrap_or(bare);
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let zero = |port: &str| port.bytes().all(|byte| byte == b'0');
    if bare.starts_with("pid:") {
        say!("a process has a number above 0")
    } else if number && !zero(digits) {
        say!("a port is 65535 at most")
    } else if number || bare.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port == "0") {
        say!("nothing can listen on port 0")
    } else if digits.is_empty() || bare == "/" || bare == "@" {
        say!("not a listener")
    } else {
        no_address(bare)
    }
}

/// What ends a watch with exit status 3: `overflow`, `full:80%`, `wait:2s`, `stalled`.
///
/// # Errors
/// What is allowed, in words, with the nearest name where the given one is unknown.
pub fn fail_on(text: &str) -> Result<FailOn, String> {
    let (name, level) = text.trim().split_once(':').map_or((text.trim(), None), |(name, level)| (name, Some(level)));
    match (name, level) {
        ("overflow", None) => Ok(FailOn::Overflow),
        ("overflow", Some(_)) => {
            Err(say!("overflow takes nothing behind it: the first drop counts ({names})", names = CONDITIONS))
        }
        ("full", None) => Err(say!("full needs a share of what fits: full:80% ({names})", names = CONDITIONS)),
        ("full", Some(level)) => match share(level) {
            Ok(level) if level > 0.0 => Ok(FailOn::Full(level)),
            Ok(_) => Err(say!("every queue is 0 % full: more than 0 ({names})", names = CONDITIONS)),
            Err(why) => Err(say!("how full: {why}", why)),
        },
        ("wait", None) => Err(say!("wait needs a time: wait:2s ({names})", names = CONDITIONS)),
        ("wait", Some(level)) => match period(level) {
            Ok(longest) => Ok(FailOn::Wait(longest)),
            Err(why) => Err(say!("how long: {why}", why)),
        },
        ("stalled", None) => Ok(FailOn::Stalled),
        ("stalled", Some(_)) => Err(say!("stalled takes nothing behind it ({names})", names = CONDITIONS)),
        _ => {
            let near = nearest(name, &["overflow", "full", "wait", "stalled"]);
            let hint = near.first().map(|near| say!("did you mean {near}? ", near)).unwrap_or_default();
            Err(say!("no such condition; {hint}({names})", hint, names = CONDITIONS))
        }
    }
}

/// Where metrics are served: an address with a port, or a port alone, which is on 127.0.0.1.
///
/// # Errors
/// What is allowed, in words.
pub fn metrics(text: &str) -> Result<SocketAddr, String> {
    let bare = text.trim();
    let digits = bare.strip_prefix(':').unwrap_or(bare);
    if let Ok(port) = digits.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    bare.parse().map_err(|_| {
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let why = if number { say!("a port is 65535 at most") } else { no_address(bare) };
        say!("{why} ({examples})", why, examples = say!("such as 9742, 127.0.0.1:9742, [::1]:9742"))
    })
}

fn targets() -> &'static str {
    say!("such as 8080, :8080, 127.0.0.1:8080, [::1]:8080, /run/app.sock, @name, nginx, pid:42, redis.service")
}

const CONDITIONS: &str = "overflow, full:80%, wait:2s, stalled";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_refused_for_its_own_reason() {
        assert_eq!(target(" :8080 "), Ok(Target::Port(8080)));
        assert_eq!(target("nginx"), Ok(Target::Program("nginx".into())));
        assert_eq!(target("pid:7"), Ok(Target::Process(7)));
        for (wrong, why) in [
            ("65536", "65535"),
            (":99999999999999999999999", "65535"),
            ("0", "port 0"),
            ("127.0.0.1:0", "port 0"),
            ("", "not a listener"),
            (":", "not a listener"),
            ("/", "not a listener"),
            ("localhost:80", "names"),
            ("127.0.0.1", "port is missing"),
            ("pid:0", "process"),
            ("pid:nginx", "process"),
            ("127.0.0.1:65536", "65535"),
        ] {
            let message = target(wrong).unwrap_err();
            assert!(message.contains(why) && message.contains("such as 8080"), "{wrong}: {message}");
        }
    }

    #[test]
    fn metrics_stay_on_loopback_unless_an_address_is_written_out() {
        for words in ["9742", ":9742", "127.0.0.1:9742"] {
            assert_eq!(metrics(words), Ok("127.0.0.1:9742".parse().unwrap()), "{words}");
        }
        assert_eq!(metrics("[::]:9742"), Ok("[::]:9742".parse().unwrap()));
        for (wrong, why) in [("65536", "65535"), ("", "address"), ("localhost:1", "names"), ("127.0.0.1", "port")] {
            let message = metrics(wrong).unwrap_err();
            assert!(message.contains(why) && message.contains("such as 9742"), "{wrong}: {message}");
        }
    }

    #[test]
    fn conditions_have_their_own_shapes() {
        assert_eq!(fail_on("overflow"), Ok(FailOn::Overflow));
        assert_eq!(fail_on("full:80%"), Ok(FailOn::Full(0.8)));
        assert_eq!(fail_on("full:100"), Ok(FailOn::Full(1.0)));
        assert_eq!(fail_on("wait:1500ms"), Ok(FailOn::Wait(std::time::Duration::from_millis(1500))));
        assert_eq!(fail_on("stalled"), Ok(FailOn::Stalled));
        for (wrong, why) in [
            ("overflw", "did you mean overflow?"),
            ("ful:80%", "did you mean full?"),
            ("full", "full:80%"),
            ("full:0%", "more than 0"),
            ("full:much", "30%"),
            ("full:130%", "100 %"),
            ("overflow:3", "first drop"),
            ("", "overflow, full:80%, wait:2s, stalled"),
            ("wait", "wait:2s"),
            ("wait:long", "how long"),
            ("stalled:3s", "nothing behind"),
            ("stall", "did you mean stalled?"),
        ] {
            let message = fail_on(wrong).unwrap_err();
            assert!(message.contains(why), "{wrong}: {message}");
        }
    }
}
