//! Why a private network could not be created, diagnosed from /proc, with the command that remedies it.

use std::fmt;
use std::net::IpAddr;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::lab::confinement::Confinement;
use crate::say;
use crate::text::errno::describe_errno;

pub use self::evidence::Evidence;
pub(super) use self::present_namespace::PresentNamespace;

mod apparmor;
mod evidence;
mod present_namespace;

/// The steps of entering the private network, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Reading the current namespace: `/proc/thread-self/ns/net`.
    Origin,
    /// The process has one thread.
    Threads,
    /// Forking the child.
    Fork,
    /// `unshare(CLONE_NEWUSER)`.
    UserNamespace,
    /// `/proc/self/setgroups`, `uid_map` and `gid_map`: the user is itself inside.
    IdentityMap,
    /// `unshare(CLONE_NEWNET)`.
    NetworkNamespace,
    /// `unshare(CLONE_NEWNET)` once more, for the private connection hash.
    NestedNamespace,
    /// Loopback up.
    Loopback,
    /// The veth pair.
    VethPair,
    /// Both ends up, without ARP.
    LinksUp,
    /// One address of the kernel's end.
    Address(IpAddr),
    /// The route to one of the clients' networks.
    Route(IpAddr),
    /// Looking at the present namespace, and taking it.
    Present,
    /// The process joins.
    Join,
}

/// What failed in the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) step: Step,
    pub(super) errno: i32,
}

/// The cause of an errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// /proc is not there, or not for this process.
    NoProc,
    /// The process has more than one thread.
    Threads,
    /// A limit of user or network namespaces is reached: its sysctl, and its value if it could be read.
    Limit(&'static str, Option<i64>),
    /// The same limit in an outer user namespace: here it is the greatest number (`create_user_ns` starts with it).
    OuterLimit(&'static str),
    /// `kernel.unprivileged_userns_clone` is 0.
    SwitchedOff,
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1.
    AppArmor,
    /// Root lacks CAP_SETFCAP, without which nobody may map it into a user namespace (`verify_root_map`, kernel/user_namespace.c).
    NoSetfcap,
    /// A seccomp filter is in force, as in containers.
    Seccomp,
    /// The kernel was built without user namespaces.
    NoUserNamespaces,
    /// The kernel has no veth devices.
    NoVeth,
    /// The running kernel's modules are no longer on disk (it was updated and not restarted).
    ModulesGone,
    /// `setns` by process needs Linux 5.8.
    OldKernel,
    /// The address cannot be put on a device.
    Address(IpAddr),
    /// The machine's first network namespace: nothing is made there.
    FirstNamespace,
    /// Nothing can be made in the present namespace without CAP_NET_ADMIN.
    NoNetAdmin,
    /// Another lab stands in the present namespace.
    Occupied,
    /// IPv6 is switched off, or this kernel has none.
    NoIpv6,
    /// The kernel did not finish in time.
    TooSlow,
    /// The process is at a limit of its own: open files, processes or memory.
    OwnLimit,
    /// Nothing in /proc explains it.
    Unknown,
}

/// The private network could not be created. The process is in its old namespaces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", say!("no private network: {step} failed ({error}): {cause}", step, error = describe_errno(*errno), cause))]
pub struct Refusal {
    /// The step that failed.
    pub step: Step,
    /// Its error number.
    pub errno: i32,
    /// The reason.
    pub cause: Cause,
    /// What the program stands in, which names the remedy.
    pub confinement: Confinement,
    /// Whether the lab could be had in the present network namespace: why not, if not.
    pub here: Option<Cause>,
}

impl Refusal {
    pub(super) fn new(step: Step, errno: Errno) -> Self {
        Self::diagnose(step, errno.raw_os_error(), &Evidence::read())
    }

    /// Diagnoses a failed step.
    pub fn diagnose(step: Step, errno: i32, evidence: &Evidence) -> Self {
        let cause = match (step, Errno::from_raw_os_error(errno)) {
            (Step::Origin, _) => Cause::NoProc,
            (Step::UserNamespace, Errno::INVAL) if !evidence.user_namespaces => Cause::NoUserNamespaces,
            (Step::Threads, _) | (Step::UserNamespace, Errno::INVAL) => Cause::Threads,
            (Step::UserNamespace, Errno::NOSPC | Errno::USERS) => {
                Cause::limit("user.max_user_namespaces", evidence.max_user_namespaces)
            }
            (Step::NetworkNamespace | Step::NestedNamespace, Errno::NOSPC | Errno::USERS) => {
                Cause::limit("user.max_net_namespaces", evidence.max_net_namespaces)
            }
            (Step::Join, Errno::INVAL | Errno::NOSYS) => Cause::OldKernel,
            (Step::Present, Errno::ADDRINUSE) => Cause::Occupied,
            (Step::Present, Errno::PERM) => evidence.here.unwrap_or(Cause::Unknown),
            (_, Errno::MFILE | Errno::NFILE | Errno::NOMEM) | (Step::Fork, Errno::AGAIN) => Cause::OwnLimit,
            // What the kernel answers for an address on a device where IPv6 is switched off (`inet6_addr_add`, net/ipv6/addrconf.c).
            (Step::Address(IpAddr::V6(_)), Errno::ACCESS | Errno::OPNOTSUPP | Errno::AFNOSUPPORT) => Cause::NoIpv6,
            (_, Errno::AGAIN | Errno::TIMEDOUT) => Cause::TooSlow,
            (Step::IdentityMap, Errno::PERM) if evidence.root_without_setfcap => Cause::NoSetfcap,
            (_, Errno::PERM | Errno::ACCESS) => evidence.permission_cause(),
            (Step::Address(address), _) => Cause::Address(address),
            (Step::VethPair, Errno::OPNOTSUPP) if evidence.modules => Cause::NoVeth,
            (Step::VethPair, Errno::OPNOTSUPP) => Cause::ModulesGone,
            _ => Cause::Unknown,
        };
        Self { step, errno, cause, confinement: evidence.confinement, here: evidence.here }
    }

    /// The command that remedies this case, or what to do when no command can.
    pub fn hint(&self) -> String {
        match self.cause {
            Cause::NoProc => "sudo mount -t proc proc /proc".to_owned(),
            Cause::Threads => {
                say!("enter the lab before any thread starts; this is a fault in qviz, please report it").to_owned()
            }
            Cause::Limit(name, value) => {
                let enough = value.map_or(ENOUGH_NAMESPACES, |value| value.saturating_mul(2).max(ENOUGH_NAMESPACES));
                format!("sudo sysctl {name}={enough}")
            }
            Cause::OuterLimit(name) => {
                say!(
                    "sudo sysctl {name}={value} (on the host, outside of this container)",
                    name,
                    value = OUTER_NAMESPACES
                )
            }
            Cause::SwitchedOff => "sudo sysctl kernel.unprivileged_userns_clone=1".to_owned(),
            Cause::AppArmor => apparmor::profile(),
            Cause::Seccomp => self.beside_here(self.confinement.namespaces()),
            Cause::FirstNamespace => say!("leave --net here away: qviz makes a private network").to_owned(),
            Cause::NoSetfcap => self.beside_here(self.confinement.other_user()),
            Cause::NoNetAdmin => self.confinement.net_admin().to_owned(),
            Cause::Occupied => say!("end the other lab, or leave --net here away").to_owned(),
            Cause::NoIpv6 => {
                "sudo sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0".to_owned()
            }
            Cause::TooSlow => say!("run the same again; this machine is very busy").to_owned(),
            Cause::NoVeth => "sudo modprobe veth".to_owned(),
            Cause::ModulesGone => "sudo reboot".to_owned(),
            Cause::NoUserNamespaces | Cause::Unknown => self.beside_here("sudo qviz"),
            Cause::OwnLimit => "ulimit -n 1024; ulimit -u 4096; ulimit -v unlimited".to_owned(),
            Cause::OldKernel => "qviz --net host".to_owned(),
            Cause::Address(_) => say!("choose a unicast address: qviz --listen 198.51.100.1:8080").to_owned(),
        }
    }

    /// This remedy, after what the present network namespace gives already, or would with one right more.
    fn beside_here(&self, private: &str) -> String {
        match self.here {
            None => say!(
                "`qviz --net here` (packet-level clients in this network namespace); for a private network with its own settings `{private}`",
                private
            ),
            Some(Cause::NoNetAdmin) => say!(
                "`{more}` and then `qviz --net here` (packet-level clients in this network namespace); for a private network with its own settings `{private}`",
                more = self.confinement.net_admin(),
                private
            ),
            Some(_) => private.to_owned(),
        }
    }
}

impl Cause {
    fn limit(name: &'static str, here: Option<i64>) -> Self {
        if here == Some(i64::from(i32::MAX)) { Self::OuterLimit(name) } else { Self::Limit(name, here) }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::diagnose(fault.step, fault.errno, &Evidence::read())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin => f.write_str(say!("reading /proc/thread-self/ns/net")),
            Self::Threads => f.write_str(say!("the start from a single thread")),
            Self::Fork => f.write_str(say!("the try in a child process")),
            Self::UserNamespace => f.write_str("unshare(CLONE_NEWUSER)"),
            Self::IdentityMap => f.write_str(say!("writing the user's identity to uid_map and gid_map")),
            Self::NetworkNamespace => f.write_str("unshare(CLONE_NEWNET)"),
            Self::NestedNamespace => f.write_str(say!("the second unshare(CLONE_NEWNET)")),
            Self::Loopback => f.write_str(say!("setting lo up")),
            Self::VethPair => f.write_str(say!("making the veth pair")),
            Self::LinksUp => f.write_str(say!("setting the veth pair up")),
            Self::Address(address) => f.write_str(&say!("adding the address {address}", address)),
            Self::Route(network) => f.write_str(&say!("adding the route to {network}", network)),
            Self::Present => f.write_str(say!("taking the present network namespace")),
            Self::Join => f.write_str(say!("setns() into the finished network")),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str(say!("/proc is not mounted here")),
            Self::Threads => f.write_str(say!("a user namespace can be entered only while the process has one thread")),
            Self::Limit(name, Some(value)) => {
                f.write_str(&say!("{name} is {value}, and no more are free", name, value))
            }
            Self::Limit(name, None) => f.write_str(&say!("the limit {name} is reached", name)),
            Self::OuterLimit(name) => f.write_str(&say!("{name} is reached outside of this container", name)),
            Self::SwitchedOff => f.write_str(say!("kernel.unprivileged_userns_clone is 0")),
            Self::AppArmor => f.write_str(say!(
                "AppArmor denies ordinary users the rights inside their own namespaces (Ubuntu's default)"
            )),
            Self::Seccomp => f.write_str(say!("a seccomp filter is in force, as in containers without SYS_ADMIN")),
            Self::NoSetfcap => {
                f.write_str(say!("root without CAP_SETFCAP may not be itself in a user namespace; other users may"))
            }
            Self::NoUserNamespaces => f.write_str(say!("this kernel was built without user namespaces")),
            Self::NoVeth => {
                f.write_str(say!("the kernel has no veth devices; their module is missing or may not be loaded"))
            }
            Self::ModulesGone => {
                f.write_str(say!("the running kernel's modules are not on this disk, so veth cannot be loaded"))
            }
            Self::OldKernel => f.write_str(say!("setns by process needs Linux 5.8")),
            Self::Address(address) => {
                f.write_str(&say!("the kernel does not take {address} as an address of a device", address))
            }
            Self::FirstNamespace => {
                f.write_str(say!("this is the machine's first network namespace, in which qviz makes nothing"))
            }
            Self::NoNetAdmin => f.write_str(say!("CAP_NET_ADMIN is missing")),
            Self::Occupied => f.write_str(say!("another lab stands in this network namespace")),
            Self::NoIpv6 => f.write_str(say!("IPv6 is switched off, or this kernel has none")),
            Self::TooSlow => f.write_str(say!("the kernel did not finish in time")),
            Self::OwnLimit => f.write_str(say!("the process has reached a limit of open files, processes or memory")),
            Self::Unknown => f.write_str(say!("nothing in /proc explains it")),
        }
    }
}

/// The fault of a step from the kernel's answer.
pub(super) fn fault_at(step: Step) -> impl Fn(Errno) -> Fault {
    move |errno| Fault { step, errno: errno.raw_os_error() }
}

/// The error number of an I/O error; EIO where it has none.
pub(in crate::lab) fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// What a limit is raised to at least.
const ENOUGH_NAMESPACES: i64 = 1024;
/// What a limit is raised to that cannot be seen from here.
const OUTER_NAMESPACES: i64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const ORDINARY: Evidence = Evidence {
        max_user_namespaces: Some(5000),
        max_net_namespaces: Some(0),
        userns_clone: None,
        apparmor_restricts: None,
        seccomp: Some(0),
        user_namespaces: true,
        modules: true,
        root_without_setfcap: false,
        confinement: Confinement::Unknown,
        here: Some(Cause::FirstNamespace),
    };

    fn hint(step: Step, errno: Errno, evidence: Evidence) -> String {
        Refusal::diagnose(step, errno.raw_os_error(), &evidence).hint()
    }

    #[test]
    fn a_limit_is_raised_above_what_it_is() {
        assert_eq!(hint(Step::UserNamespace, Errno::NOSPC, ORDINARY), "sudo sysctl user.max_user_namespaces=10000");
        assert_eq!(hint(Step::NetworkNamespace, Errno::NOSPC, ORDINARY), "sudo sysctl user.max_net_namespaces=1024");
        assert_eq!(hint(Step::NestedNamespace, Errno::NOSPC, ORDINARY), "sudo sysctl user.max_net_namespaces=1024");
    }

    #[test]
    fn a_denial_names_the_switch_that_denies() {
        let apparmor = Evidence { apparmor_restricts: Some(1), seccomp: Some(2), ..ORDINARY };
        for step in [Step::IdentityMap, Step::NetworkNamespace] {
            let hint = hint(step, Errno::PERM, apparmor);
            let program = std::env::current_exe().unwrap();
            assert!(
                hint.starts_with("`sudo qviz`; or once")
                    && hint.contains(&format!("profile qviz {} ", program.display())),
                "{hint}"
            );
            assert!(
                hint.contains("userns,") && hint.ends_with("sudo apparmor_parser -r /etc/apparmor.d/qviz`"),
                "{hint}"
            );
        }
        let debian = Evidence { userns_clone: Some(0), ..ORDINARY };
        assert_eq!(hint(Step::UserNamespace, Errno::PERM, debian), "sudo sysctl kernel.unprivileged_userns_clone=1");
        let container = Evidence { seccomp: Some(2), ..ORDINARY };
        let remedy = |evidence| hint(Step::UserNamespace, Errno::PERM, evidence);
        assert!(remedy(container).starts_with("docker run --security-opt seccomp=unconfined"));
        assert_eq!(remedy(ORDINARY), "sudo qviz");
        // In a network namespace of a container's own, its right or one right more is enough for packet-level clients.
        assert!(remedy(Evidence { here: None, ..container }).starts_with("`qviz --net here`"));
        let lacking = Evidence { here: Some(Cause::NoNetAdmin), ..container };
        assert!(remedy(lacking).starts_with("`docker run --cap-add NET_ADMIN ...` and then `qviz --net here`"));
        for (confinement, words) in [
            (Confinement::Podman, ["--cap-add NET_ADMIN,NET_RAW", "podman run --security-opt seccomp=unconfined"]),
            (Confinement::Kubernetes, ["--profile=netadmin", "--profile=sysadmin"]),
            (Confinement::Service, ["AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW", "RestrictNamespaces=no"]),
        ] {
            let hint = remedy(Evidence { confinement, ..lacking });
            assert!(words.iter().all(|word| hint.contains(word)), "{hint}");
        }
    }

    #[test]
    fn the_same_error_number_has_several_reasons() {
        let judged = |step, evidence| Refusal::diagnose(step, Errno::INVAL.raw_os_error(), &evidence).cause;
        assert_eq!(judged(Step::UserNamespace, ORDINARY), Cause::Threads);
        let without = Evidence { user_namespaces: false, ..ORDINARY };
        assert_eq!(judged(Step::UserNamespace, without), Cause::NoUserNamespaces);
        assert_eq!(judged(Step::Join, ORDINARY), Cause::OldKernel);
        let multicast = IpAddr::from([224, 0, 0, 1]);
        assert_eq!(judged(Step::Address(multicast), ORDINARY), Cause::Address(multicast));
    }

    #[test]
    fn an_address_is_called_bad_only_where_it_is() {
        let v6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        let judged = |errno: Errno| Refusal::diagnose(Step::Address(v6), errno.raw_os_error(), &ORDINARY).cause;
        assert_eq!(judged(Errno::ACCESS), Cause::NoIpv6);
        assert_eq!(judged(Errno::AGAIN), Cause::TooSlow);
        assert_eq!(judged(Errno::INVAL), Cause::Address(v6));
    }

    #[test]
    fn a_missing_module_is_not_a_missing_kernel() {
        assert_eq!(hint(Step::VethPair, Errno::OPNOTSUPP, ORDINARY), "sudo modprobe veth");
        let updated = Evidence { modules: false, ..ORDINARY };
        assert_eq!(hint(Step::VethPair, Errno::OPNOTSUPP, updated), "sudo reboot");
    }

    #[test]
    fn the_sentence_has_the_step_the_error_and_the_reason() {
        let refusal = Refusal::diagnose(Step::NetworkNamespace, Errno::NOSPC.raw_os_error(), &ORDINARY);
        let sentence = refusal.to_string();
        assert!(sentence.contains("unshare(CLONE_NEWNET)") && sentence.contains("os error 28"), "{sentence}");
        assert!(sentence.contains("user.max_net_namespaces is 0"), "{sentence}");
    }
}
