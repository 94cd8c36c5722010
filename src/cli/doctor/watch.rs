//! What `qviz watch` can see here, in the network namespace of this process.

use super::{Check, Group};
use crate::kernel::census::Census;
use crate::kernel::descriptor_copy::{self, CopyError};
use crate::kernel::owners::Owners;
use crate::kernel::tap;
use crate::model::watch::{ListenerReading, OwnerScope as Reach};
use crate::say;

/// Listeners, their owners, and the packets that come to them.
pub(super) fn checks(checks: &mut Vec<Check>) {
    let mut listeners = Vec::new();
    checks.push(check_listeners(&mut listeners));
    checks.push(check_owners(&listeners));
    checks.push(check_tap());
    checks.push(check_tune());
}

fn check_listeners(listeners: &mut Vec<ListenerReading>) -> Check {
    let what = say!("all listeners (sock_diag)");
    let asked = Census::open().and_then(|mut census| census.read(listeners).map(|_| census.has_unix()));
    let unix = listeners.iter().filter(|listener| listener.address.port().is_none()).count();
    let tcp = listeners.len() - unix;
    match asked {
        Ok(true) => Check::works(
            "watch.listeners",
            Group::Watch,
            what,
            say!("{tcp} TCP and {unix} unix sockets listen here", tcp, unix),
        ),
        Ok(false) => Check::fails(
            "watch.listeners",
            Group::Watch,
            what,
            say!("{tcp} TCP sockets listen here; unix sockets are not listed", tcp),
        )
        .with_remedy("sudo modprobe unix_diag"),
        Err(error) => Check::fails("watch.listeners", Group::Watch, what, error.to_string()).with_remedy(error.hint()),
    }
}

fn check_owners(listeners: &[ListenerReading]) -> Check {
    let what = say!("who holds them (/proc)");
    let sockets = listeners.iter().map(|listener| listener.inode).collect();
    let seen = Owners::open().read_whole(&sockets);
    let without = seen.unowned;
    match (seen.owner_scope(), seen.limitation()) {
        (Reach::All, None) => Check::works(
            "watch.owners",
            Group::Watch,
            what,
            say!("every process may be looked into; {without} without an owner", without),
        ),
        (_, refused) => {
            let reason = refused.unwrap_or_default();
            let (reason, remedy) =
                reason.rsplit_once(": ").or_else(|| reason.rsplit_once('：')).unwrap_or((&reason, "sudo qviz watch"));
            Check::fails(
                "watch.owners",
                Group::Watch,
                what,
                say!("{reason}; {without} without an owner", reason, without),
            )
            .with_remedy(remedy)
        }
    }
}

fn check_tap() -> Check {
    let what = say!("every SYN (AF_PACKET)");
    match tap::allowed() {
        Ok(()) => Check::works(
            "watch.tap",
            Group::Watch,
            what,
            say!("can be seen: arrivals per second, each drop with its client"),
        ),
        Err(error) => {
            Check::fails("watch.tap", Group::Watch, what, say!("{error}; queues and drops are seen without it", error))
                .with_remedy(error.hint())
        }
    }
}

/// Tried on a descriptor of this very process, which may always be copied where the call is there and no filter forbids it.
fn check_tune() -> Check {
    let what = say!("another backlog (qviz tune)");
    let tried = std::net::TcpListener::bind("127.0.0.1:0").map(|listener| descriptor_copy::of_own(&listener));
    let refused = tried.ok().and_then(Result::err);
    let root = rustix::process::geteuid().is_root();
    match (refused, descriptor_copy::yama_scope()) {
        (Some(error @ CopyError::Unsupported), _) => Check::fails("watch.tune", Group::Watch, what, error.to_string()),
        (Some(error), _) => Check::fails("watch.tune", Group::Watch, what, error.to_string()).with_remedy("sudo qviz"),
        (None, Some(3)) => Check::fails(
            "watch.tune",
            Group::Watch,
            what,
            say!("kernel.yama.ptrace_scope is 3: nobody may, until the next boot"),
        ),
        (None, Some(scope @ 1..)) if !root => Check::fails(
            "watch.tune",
            Group::Watch,
            what,
            say!("kernel.yama.ptrace_scope is {scope}: only root may change other programs' listeners", scope),
        )
        .with_remedy("sudo qviz tune"),
        (None, _) if root => {
            Check::works("watch.tune", Group::Watch, what, say!("descriptors can be copied; every program's listener"))
        }
        (None, _) => Check::works(
            "watch.tune",
            Group::Watch,
            what,
            say!("descriptors can be copied; the listeners of this user's own programs"),
        ),
    }
}
