//! What the kernel does and hides, measured in a namespace that is thrown away.

use qviz::kernel::proc;
use qviz::lab::namespace::{Namespace, NetworkPlan, Probe};
use qviz::model::settings::Sysctl;

use crate::needs::Missing;
use crate::who::Who;

fn namespace_here() -> String {
    std::fs::read_link("/proc/thread-self/ns/net").unwrap().display().to_string()
}

case!(the_syn_rule_is_measured_and_leaves_nothing_behind, as Who::User, Who::Root);
fn the_syn_rule_is_measured_and_leaves_nothing_behind() -> Result<(), Missing> {
    let before = namespace_here();
    let probe = Probe::in_throw_away_namespace();
    assert_eq!(namespace_here(), before);
    let network = Namespace::enter(&NetworkPlan::like_host(proc::read_sysctls()))
        .map_err(|refusal| Missing::because("a private network", refusal.to_string()))?;
    assert!(probe.syn_rule.is_some() && network.network().syn_rule == probe.syn_rule, "{probe:?}");
    // Every kernel since 5.4 begins with 4,096, whether it shows the file or not.
    assert_eq!(probe.somaxconn, Some(4096));
    assert!(network.network().sysctls.value(Sysctl::Somaxconn).is_some());
    Ok(())
}

case!(a_second_thread_leaves_everything_unknown, as Who::User);
#[expect(clippy::unnecessary_wraps, reason = "every case has this shape")]
fn a_second_thread_leaves_everything_unknown() -> Result<(), Missing> {
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let second = std::thread::spawn(move || wait.recv());
    assert_eq!(Probe::in_throw_away_namespace(), Probe::default());
    drop(end);
    second.join().unwrap().unwrap_err();
    Ok(())
}

case!(what_has_its_value_already_needs_no_writing, as Who::ReadOnlySysctls);
fn what_has_its_value_already_needs_no_writing() -> Result<(), Missing> {
    let namespace = Namespace::enter(&NetworkPlan::like_host(qviz::model::settings::Sysctls::default()))
        .map_err(|refusal| Missing::because("a private network", refusal.to_string()))?;
    let token = namespace.token();
    let value = namespace.network().sysctls.value(Sysctl::Syncookies).unwrap();
    assert_eq!(token.write(Sysctl::Syncookies, value), Ok(value));
    assert_eq!(token.may_write(Sysctl::Syncookies, Some(value)), Ok(()));
    let refused = token.may_write(Sysctl::Syncookies, Some(value + 1)).unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");
    Ok(())
}
