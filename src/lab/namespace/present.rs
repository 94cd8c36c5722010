//! The server's pair in the network namespace in which the program was started. That has to be private to somebody already, a container
//! for example: in the machine's first one nothing is made.
//!
//! A child makes the pair and takes it away when the program has ended, however that ended. Of the namespace itself nothing is
//! changed: addresses and routes belong to the pair and go with it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::event::{Timespec, poll};

use super::links::{self, Connected};
use super::probe::Probe;
use super::refusal::{Fault, errno_of, fault_at};
use super::{Network, Privilege, Step, build};

/// The pair, as long as this is held.
#[derive(Debug)]
pub(super) struct Pair {
    /// Bound to a name of this namespace: a second lab finds it taken.
    _name: UnixDatagram,
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _nobody_is_left_to_be_told = links::disconnect_here();
    }
}

/// Makes the pair.
pub(super) fn build(asked: &[IpAddr]) -> Result<(Network, Pair), Fault> {
    let pair = Pair { _name: taken().map_err(|error| fault_at(Step::Present)(errno_of(&error)))? };
    // What a lab has left whose processes were all killed at once.
    links::disconnect_here().map_err(fault_at(Step::VethPair))?;
    let here = File::open("/proc/thread-self/ns/net").map_err(|error| fault_at(Step::Origin)(errno_of(&error)))?;
    let probe = Probe::as_it_is();
    let Connected { server, clients, addresses, ipv6 } = links::connect_here(here.as_fd(), asked)?;
    let network = Network {
        privilege: Privilege::Here,
        server,
        clients,
        hash_buckets: None,
        addresses,
        ipv6,
        sysctls: build::read_sysctls(probe),
        syn_rule: probe.syn_rule,
        not_applied: Vec::new(),
    };
    Ok((network, pair))
}

/// The name, taken. A lab that has just ended may hold it for a moment.
fn taken() -> io::Result<UnixDatagram> {
    let name = SocketAddr::from_abstract_name(NAME)?;
    let mut tries = TRIES;
    loop {
        match UnixDatagram::bind_addr(&name) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 0 => tries -= 1,
            taken => return taken,
        }
        let _interrupted = poll(&mut [], Some(&MOMENT));
    }
}

/// Two seconds.
const TRIES: u32 = 40;
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
const NAME: &[u8] = b"qviz-lab-here";
