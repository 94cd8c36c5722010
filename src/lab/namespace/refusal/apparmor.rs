//! The profile by which AppArmor lets one program alone make user namespaces.

use crate::say;

/// How Ubuntu is told that this program may make namespaces, without switching the rule off for all others.
pub(super) fn profile() -> String {
    let program =
        std::env::current_exe().map_or_else(|_| "/usr/bin/qviz".to_owned(), |path| path.display().to_string());
    let profile = format!(
        "abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile qviz {program} flags=(unconfined) {{\\n  userns,\\n}}\\n"
    );
    say!(
        "`sudo qviz`; or once, for this program alone: `printf '{profile}' | sudo tee /etc/apparmor.d/qviz && sudo apparmor_parser -r /etc/apparmor.d/qviz`",
        profile
    )
}
