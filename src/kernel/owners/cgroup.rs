//! Which container or unit a process belongs to, from `/proc/PID/cgroup`.

/// The most specific part of the process's cgroup: a container before the unit inside it, a unit before the slice
/// around it. `None` when there is neither. Lines are `number:controllers:path`; the unified hierarchy's number is 0.
pub(super) fn container_or_unit(cgroup: &str) -> Option<String> {
    let paths: Vec<&str> = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2)).collect();
    let container = paths.iter().find_map(|path| container(path));
    container.or_else(|| paths.iter().find_map(|path| unit(path)))
}

/// The innermost container named in the path.
fn container(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let kubernetes = parts.iter().any(|part| part.starts_with("kubepods"));
    (0..parts.len()).rev().find_map(|at| {
        let around = at.checked_sub(1).map_or("", |before| parts[before]);
        container_of_component(parts[at], around, kubernetes)
    })
}

fn container_of_component(part: &str, around: &str, kubernetes: bool) -> Option<String> {
    if let Some(name) = part.strip_prefix("lxc.payload.").or_else(|| (around == "lxc").then_some(part)) {
        return (!name.is_empty()).then(|| format!("lxc {name}"));
    }
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let (runtime_name, id) = name.rsplit_once(['-', ':']).unwrap_or((around, name));
    if id.len() != ID_LENGTH || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) || runtime_name.ends_with("conmon") {
        return None;
    }
    let runtime = match runtime_name {
        _ if kubernetes => "k8s",
        "docker" => "docker",
        "libpod" | "libpod_parent" => "podman",
        "crio" => "cri-o",
        _ if runtime_name.ends_with("containerd") => "containerd",
        _ => "container",
    };
    Some(format!("{runtime} {}", &id[..SHORT_ID_LENGTH]))
}

/// The innermost unit of systemd that is no slice; a user's session counts as its session scope.
fn unit(path: &str) -> Option<String> {
    let kinds = [".service", ".scope", ".socket", ".mount"];
    let is_unit = |part: &&str| kinds.iter().any(|kind| part.ends_with(kind));
    path.split('/').rev().find(is_unit).map(str::to_owned)
}

/// Characters of a container's id.
const ID_LENGTH: usize = 64;

/// Characters of it that people type.
const SHORT_ID_LENGTH: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// `ID` stands for a container's id.
    fn parsed(cgroup: &str) -> Option<String> {
        container_or_unit(&cgroup.replace("ID", &"3f2a91c0b7de4455".repeat(4)))
    }

    #[test]
    fn containers_are_named_by_their_maker_and_twelve_letters() {
        for (cgroup, name) in [
            ("0::/system.slice/docker-ID.scope\n", "docker 3f2a91c0b7de"),
            ("12:cpu:/docker/ID\n0::/\n", "docker 3f2a91c0b7de"),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container\n",
                "podman 3f2a91c0b7de",
            ),
            (
                "0::/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:ID\n",
                "k8s 3f2a91c0b7de",
            ),
            ("0::/system.slice/nerdctl.slice/cri-containerd-ID.scope\n", "containerd 3f2a91c0b7de"),
            ("0::/kubepods.slice/kubepods-pod9.slice/cri-containerd-ID.scope\n", "k8s 3f2a91c0b7de"),
            ("11:memory:/kubepods/burstable/pod1-2-3/ID\n", "k8s 3f2a91c0b7de"),
            ("0::/ecs/task/ID\n", "container 3f2a91c0b7de"),
            ("0::/lxc.payload.web/system.slice/nginx.service\n", "lxc web"),
            ("3:cpu:/lxc/web\n", "lxc web"),
        ] {
            assert_eq!(parsed(cgroup).as_deref(), Some(name), "{cgroup}");
        }
    }

    #[test]
    fn units_are_named_as_systemd_names_them() {
        assert_eq!(parsed("0::/system.slice/nginx.service\n").as_deref(), Some("nginx.service"));
        assert_eq!(
            parsed("0::/user.slice/user-1.slice/user@1.service/app.slice/vite.service").as_deref(),
            Some("vite.service")
        );
        assert_eq!(parsed("0::/user.slice/user-1.slice/session-3.scope\n").as_deref(), Some("session-3.scope"));
        assert_eq!(
            parsed("0::/machine.slice/libpod-conmon-ID.scope\n").map(|name| name.starts_with("libpod-conmon-")),
            Some(true)
        );
    }

    #[test]
    fn a_cgroup_without_container_or_unit_gives_none() {
        for cgroup in
            ["", "0::/\n", "0::/user.slice\n", "nonsense", "1:name=x:\n", "0::/lxc.payload.\n", "0::/../../x\n"]
        {
            assert_eq!(parsed(cgroup), None, "{cgroup}");
        }
    }
}
