//! The private network for real, as an ordinary user and as root.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use qviz::lab::knobs::{self, KnobError};
use qviz::lab::namespace::{self, Cause, Namespace, NetworkPlan, Privilege, Refusal, Step};
use qviz::model::settings::{Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::session::clock::Clock;

use crate::lab::wait_until;
use crate::needs::Missing;
use crate::runner::again;
use crate::who::{LIMIT, Standing, Who};

case!(the_network_stands_as_it_was_planned, as Who::User, Who::Root);
fn the_network_stands_as_it_was_planned() -> Result<(), Missing> {
    let (host, origin, user) = (host(), network_inode(), user_id());
    let clock = Clock::start();
    let lab = enter(&NetworkPlan::like_host(host.clone()))?;
    println!("entered in {:?}", clock.now() - Stamp::ZERO);
    println!("{STOOD_IN}{}", network_inode());
    let network = lab.network();
    assert_ne!(network_inode(), origin, "the process did not move");
    assert_eq!(user_id(), user, "the user is itself inside");
    assert_eq!(network.not_applied, [], "a setting is missing");
    assert_eq!(network.privilege, if user == 0 { Privilege::Root } else { Privilege::User });
    assert_eq!(network.hash_buckets, Some(namespace::HASH_BUCKETS));
    assert_eq!(network.sysctls, host, "the host's values are in force inside, too");
    let clients = network.clients.as_ref().unwrap();
    let links = [&network.server.far, &network.server.wire, &clients.wire, &clients.far];
    assert_eq!(links.map(|link| link.name.as_str()), ["srv0", "wire-s", "wire-c", "cli0"]);
    let macs: std::collections::BTreeSet<_> = links.iter().map(|link| link.mac).collect();
    assert_eq!(macs.len(), 4);
    let token = lab.token();
    assert!(token.is_current());
    assert_eq!((token.server(), token.clients()), (&network.server, network.clients.as_ref()));
    let here = network_inode();
    let devices = || {
        let text = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        let mut names: Vec<_> =
            text.lines().skip(2).map(|line| line.split(':').next().unwrap().trim().to_owned()).collect();
        names.sort();
        (network_inode(), names.join(" "))
    };
    let ((server, at_server), (wire, on_wire), (clients, at_clients)) =
        (devices(), token.in_wire(devices).unwrap(), token.in_clients(devices).unwrap());
    assert_eq!([at_server.as_str(), &on_wire, &at_clients], ["lo srv0", "lo wire-c wire-s", "cli0 lo"]);
    assert!(server == here && network_inode() == here && wire != here && clients != here && wire != clients);
    Ok(())
}

case!(a_connection_reaches_every_address_of_the_listener, as Who::User, Who::Root);
fn a_connection_reaches_every_address_of_the_listener() -> Result<(), Missing> {
    let more = ["10.7.7.7", "fd00::7", "127.0.0.1", "0.0.0.0", "::"].map(|text| text.parse().unwrap()).to_vec();
    let lab = enter(&NetworkPlan { addresses: more, ..NetworkPlan::like_host(host()) })?;
    for address in ["198.51.100.1", "2001:db8::1", "10.7.7.7", "fd00::7", "127.0.0.1", "::1"] {
        let address: IpAddr = address.parse().unwrap();
        assert!(address.is_loopback() || lab.network().addresses.contains(&address), "{address} is not told");
        let listener = TcpListener::bind((address, 80)).unwrap();
        let mut client = TcpStream::connect((address, 80)).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        client.write_all(b"qviz").unwrap();
        let mut heard = [0; 4];
        served.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"qviz");
    }
    assert_eq!(lab.network().addresses.len(), 4, "loopback and unspecified addresses stay off the pair");
    Ok(())
}

case!(clients_are_routed_to_the_pair_and_nobody_else_is, as Who::User, Who::Root);
fn clients_are_routed_to_the_pair_and_nobody_else_is() -> Result<(), Missing> {
    let lab = enter(&NetworkPlan::like_host(host()))?;
    let source = |listen: &str, client: &str| {
        let socket = UdpSocket::bind((listen, 0)).unwrap();
        socket.connect((client, 9)).map(|()| socket.local_addr().unwrap().ip().to_string())
    };
    for client in ["198.18.0.1", "198.19.255.254"] {
        assert_eq!(source("0.0.0.0", client).unwrap(), "198.51.100.1");
    }
    assert!(source("0.0.0.0", "198.20.0.1").is_err(), "a way out of the private network");
    assert!(lab.network().ipv6);
    assert_eq!(source("::", "2001:db8:1::ffff").unwrap(), "2001:db8::1");
    assert!(source("::", "2001:db8:2::1").is_err(), "a way out of the private network");
    Ok(())
}

case!(the_wire_is_quiet_and_open_to_the_listener, as Who::User, Who::Root);
fn the_wire_is_quiet_and_open_to_the_listener() -> Result<(), Missing> {
    enter(&NetworkPlan::like_host(host()))?;
    let setting =
        |path: &str| std::fs::read_to_string(Path::new("/proc/sys/net").join(path)).unwrap().trim().to_owned();
    assert_eq!(setting("ipv4/ip_unprivileged_port_start"), "0", "a child process may listen on port 80");
    assert_eq!(setting("ipv4/conf/srv0/route_localnet"), "1", "a listener on 127.0.0.1 hears the clients");
    let addresses = std::fs::read_to_string("/proc/self/net/if_inet6").unwrap();
    assert!(!addresses.contains("fe80"), "link-local addresses speak without being asked:\n{addresses}");
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    for line in devices.lines().filter(|line| line.trim_start().starts_with("srv0")) {
        assert_eq!(line.split_whitespace().nth(2), Some("0"), "frames passed already: {line}");
    }
    Ok(())
}

case!(a_small_hash_does_not_shrink_other_limits, as Who::User, Who::Root);
fn a_small_hash_does_not_shrink_other_limits() -> Result<(), Missing> {
    let plan = NetworkPlan { hash_buckets: 1000, ..NetworkPlan::like_host(Sysctls::default()) };
    let network = enter(&plan)?.network().clone();
    assert_eq!(network.hash_buckets, Some(1024), "the kernel rounds up to a power of two");
    // Left alone, it would be half of the buckets (`tcp_set_hashinfo`).
    assert!(network.sysctls.value(Sysctl::MaxTwBuckets).unwrap() > 512, "{:?}", network.sysctls);
    assert_eq!(network.not_applied, []);
    Ok(())
}

case!(sysctls_change_inside_and_stay_outside, as Who::User, Who::Root);
fn sysctls_change_inside_and_stay_outside() -> Result<(), Missing> {
    let before = host();
    let changed =
        [(Sysctl::Syncookies, 2), (Sysctl::Somaxconn, 77), (Sysctl::MaxSynBacklog, 88), (Sysctl::SynackRetries, 3)];
    let mut overrides = Sysctls::default();
    for (sysctl, value) in changed {
        overrides.set(sysctl, value);
    }
    let outside = Bystander::start();
    let lab = enter(&NetworkPlan { overrides, ..NetworkPlan::like_host(before.clone()) })?;
    for (sysctl, value) in lab.network().sysctls.iter() {
        let wanted = changed.iter().find(|(which, _)| *which == sysctl).map(|(_, value)| *value);
        assert_eq!(value, wanted.or(before.value(sysctl)), "{}", sysctl.name());
        assert_eq!(value, read(sysctl), "{} was not read inside", sysctl.name());
    }
    assert_eq!(outside.look(), before, "the host's own sysctls changed");
    Ok(())
}

case!(a_knob_turns_in_every_thread_and_names_its_range, as Who::User, Who::Root);
fn a_knob_turns_in_every_thread_and_names_its_range() -> Result<(), Missing> {
    let outside = Bystander::start();
    let before = host();
    let pass = enter(&NetworkPlan::like_host(before.clone()))?.token();
    let turned = std::thread::spawn(move || {
        for sysctl in Sysctl::ALL.into_iter().filter(|sysctl| read(*sysctl).is_some()) {
            let (least, most) = knobs::accepted_range(sysctl);
            for value in [least - 1, most + 1] {
                let refused = pass.write(sysctl, value).unwrap_err();
                assert_eq!(refused, KnobError::OutOfRange { name: sysctl.name().to_owned(), value });
            }
            for value in [least, most] {
                assert_eq!(pass.write(sysctl, value), Ok(value), "{}", sysctl.name());
            }
        }
    });
    turned.join().unwrap();
    for (sysctl, value) in host().iter().filter(|(_, value)| value.is_some()) {
        assert_eq!(value, Some(knobs::accepted_range(sysctl).1), "{} was not turned for all threads", sysctl.name());
    }
    assert_eq!(outside.look(), before, "the host's own sysctls changed");
    Ok(())
}

case!(a_pass_ends_where_the_thread_leaves, as Who::Root);
fn a_pass_ends_where_the_thread_leaves() -> Result<(), Missing> {
    let home = std::fs::File::open("/proc/thread-self/ns/net").unwrap();
    let before = read(Sysctl::Somaxconn).unwrap();
    let pass = enter(&NetworkPlan::like_host(host()))?.token();
    let left = pass.clone();
    let leaver = std::thread::spawn(move || {
        assert!(left.is_current());
        rustix::thread::move_into_link_name_space(home.as_fd(), None).unwrap();
        assert!(!left.is_current());
        let refused = left.write(Sysctl::Somaxconn, before + 1).unwrap_err();
        assert!(matches!(refused, KnobError::NotOurs { .. }), "{refused}");
        assert_eq!(read(Sysctl::Somaxconn), Some(before));
    });
    leaver.join().unwrap();
    assert!(pass.is_current(), "the other threads stay");
    Ok(())
}

case!(entering_leaves_no_descriptor_and_no_child, as Who::User, Who::Root);
fn entering_leaves_no_descriptor_and_no_child() -> Result<(), Missing> {
    let plan = NetworkPlan::like_host(host());
    let before = holdings();
    let lab = enter(&plan)?;
    let (descriptors, children) = holdings();
    assert_eq!((descriptors - 3, &children), (before.0, &before.1), "the three namespaces, and no child");
    drop(lab);
    assert_eq!(holdings(), before, "entering left descriptors or children");
    Ok(())
}

case!(a_refusal_leaves_the_process_where_it_was, as Who::User, Who::Root);
fn a_refusal_leaves_the_process_where_it_was() -> Result<(), Missing> {
    let multicast: IpAddr = "ff02::1".parse().unwrap();
    let plan = NetworkPlan::like_host(host());
    let before = (footing(), holdings());
    // It fails late: namespaces, settings, pair and the other addresses stand by then.
    let refusal = Namespace::enter(&NetworkPlan { addresses: vec![multicast], ..plan.clone() }).unwrap_err();
    if refusal.step != Step::Address(multicast) {
        return Err(Missing::because("a private network", refusal.to_string()));
    }
    assert_eq!(refusal.cause, Cause::Address(multicast));
    assert_eq!((footing(), holdings()), before);
    enter(&plan).map(|lab| assert!(lab.token().is_current(), "a better plan still works"))
}

case!(the_network_ends_with_its_process, as Who::User, Who::Root);
fn the_network_ends_with_its_process() -> Result<(), Missing> {
    let [program, flag, title] = again();
    let first = title.replace("the_network_ends_with_its_process", "the_network_stands_as_it_was_planned");
    let gone = Command::new(program).args([flag, first]).output().unwrap();
    let words = String::from_utf8(gone.stdout).unwrap();
    let Some(inode) = words.lines().find_map(|line| line.strip_prefix(STOOD_IN)) else {
        return Err(Missing::because("a private network", String::from_utf8_lossy(&gone.stderr).into_owned()));
    };
    let inode: u64 = inode.parse().unwrap();
    // Another test's network may get the number of the one that has ended: for as long as that test lasts.
    wait_until(Duration::from_secs(60), "nobody lives in the network of a process that has ended", || {
        let entries = std::fs::read_dir("/proc").unwrap();
        let networks = entries.filter_map(|entry| Some(entry.ok()?.path().join("ns/net")));
        let mut living = networks.filter(|path| std::fs::metadata(path).is_ok_and(|entry| entry.ino() == inode));
        living.next().is_none().then_some(())
    });
    Ok(())
}

case!(settings_that_cannot_be_written_are_told_and_the_network_stands, as Who::ReadOnlySysctls);
fn settings_that_cannot_be_written_are_told_and_the_network_stands() -> Result<(), Missing> {
    let host = host();
    let mut overrides = Sysctls::default();
    overrides.set(Sysctl::Syncookies, 2);
    let lab = enter(&NetworkPlan { overrides, ..NetworkPlan::like_host(host) })?;
    let told = lab.network().not_applied.iter().find(|setting| setting.sysctl == Some(Sysctl::Syncookies)).unwrap();
    assert_eq!((told.wanted, told.reason.as_str()), (2, "/proc/sys is read-only here"));
    assert_eq!(lab.network().sysctls.value(Sysctl::Syncookies), read(Sysctl::Syncookies));
    assert_eq!(lab.network().hash_buckets, None, "the connections share the host's hash");
    let refused = lab.token().write(Sysctl::Syncookies, 0).unwrap_err();
    assert!(refused.hint().contains("systempaths=unconfined"), "{refused}");
    TcpListener::bind(("198.51.100.1", 8080))
        .map(|_| ())
        .map_err(|error| Missing::because("a private network", error.to_string()))
}

case!(a_second_thread_is_refused_before_anything_happens, as Who::User, Who::Root);
fn a_second_thread_is_refused_before_anything_happens() -> Result<(), Missing> {
    let before = footing();
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let other = std::thread::Builder::new().spawn(move || wait.recv().unwrap_err());
    let other = other.map_err(|error| Missing::because("a private network", error.to_string()))?;
    let refusal = Namespace::enter(&NetworkPlan::like_host(host())).unwrap_err();
    assert_eq!((refusal.step, refusal.cause), (Step::Threads, Cause::Threads));
    assert_eq!(footing(), before);
    drop(release);
    other.join().unwrap();
    Ok(())
}

case!(an_exhausted_limit_is_named_with_its_remedy, as Who::Limited("max_net_namespaces", Standing::Root), Who::Limited("max_user_namespaces", Standing::Bare));
fn an_exhausted_limit_is_named_with_its_remedy() -> Result<(), Missing> {
    let limit = std::env::var(LIMIT).map_err(|error| Missing::because("a private network", error.to_string()))?;
    let before = footing();
    let refusal = Namespace::enter(&NetworkPlan::like_host(host())).unwrap_err();
    let step = if limit == "max_net_namespaces" { Step::NetworkNamespace } else { Step::UserNamespace };
    assert_eq!(refusal.step, step, "{refusal}");
    assert_eq!(std::io::Error::from_raw_os_error(refusal.errno).kind(), std::io::ErrorKind::StorageFull, "{refusal}");
    assert_eq!(refusal.hint(), format!("sudo sysctl user.{limit}=1024"));
    assert!(refusal.to_string().contains(&format!("user.{limit} is 0")), "{refusal}");
    assert_eq!(footing(), before);
    Ok(())
}

case!(a_limit_of_an_outer_namespace_is_told_apart, as Who::Limited("max_net_namespaces", Standing::Below));
fn a_limit_of_an_outer_namespace_is_told_apart() -> Result<(), Missing> {
    let limit = std::env::var(LIMIT).map_err(|error| Missing::because("a private network", error.to_string()))?;
    let refusal = Namespace::enter(&NetworkPlan::like_host(host())).unwrap_err();
    assert_eq!(refusal.step, Step::NetworkNamespace, "{refusal}");
    assert!(matches!(refusal.cause, Cause::OuterLimit(_)), "{refusal}");
    assert_eq!(refusal.hint(), format!("sudo sysctl user.{limit}=65536 (on the host, outside of this container)"));
    Ok(())
}

/// A shell that stays where it was started and reads the sysctls there when asked.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        let files = Sysctl::ALL.map(file).map(|path| path.display().to_string()).join(" ");
        let script = format!("read go; for f in {files}; do cat $f 2>/dev/null || echo -; done");
        let mut shell = Command::new("sh");
        Self(shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn look(mut self) -> Sysctls {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let mut seen = Sysctls::default();
        for (sysctl, line) in Sysctl::ALL.into_iter().zip(BufReader::new(self.0.stdout.take().unwrap()).lines()) {
            let _known = line.unwrap().parse().map(|value| seen.set(sysctl, value));
        }
        self.0.wait().unwrap();
        seen
    }
}

fn enter(plan: &NetworkPlan) -> Result<Namespace, Missing> {
    Namespace::enter(plan).map_err(|refusal: Refusal| {
        Missing::because("a private network", format!("{refusal}; try: {}", refusal.hint()))
    })
}

fn file(sysctl: Sysctl) -> PathBuf {
    Path::new("/proc/sys").join(sysctl.name().replace('.', "/"))
}

fn read(sysctl: Sysctl) -> Option<i64> {
    std::fs::read_to_string(file(sysctl)).ok()?.trim().parse().ok()
}

/// The sysctls where the calling thread stands.
fn host() -> Sysctls {
    let mut sysctls = Sysctls::default();
    for (sysctl, value) in Sysctl::ALL.into_iter().filter_map(|sysctl| Some((sysctl, read(sysctl)?))) {
        sysctls.set(sysctl, value);
    }
    sysctls
}

fn network_inode() -> u64 {
    std::fs::metadata("/proc/thread-self/ns/net").unwrap().ino()
}

/// Where the process stands: its network and user namespaces, and the user it is there.
fn footing() -> (u64, u64, u32) {
    (network_inode(), std::fs::metadata("/proc/self/ns/user").unwrap().ino(), user_id())
}

/// What the process holds: open descriptors, and child processes.
fn holdings() -> (usize, String) {
    let children = format!("/proc/self/task/{}/children", std::process::id());
    (std::fs::read_dir("/proc/self/fd").unwrap().count(), std::fs::read_to_string(children).unwrap())
}

fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What a case says about its network.
const STOOD_IN: &str = "stood in network ";
