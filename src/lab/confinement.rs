//! What the program stands in that gives it fewer rights than its user has, and the words by which each of them gives more.

use std::path::Path;

/// What a program stands in that has fewer rights than its user: it names the remedy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confinement {
    /// A container of docker, or of nobody who says so.
    #[default]
    Unknown,
    /// A container of podman.
    Podman,
    /// A container of a pod.
    Kubernetes,
    /// A service of systemd.
    Service,
}

impl Confinement {
    /// What the files and variables say that each of them leaves.
    pub fn read() -> Self {
        let is_set = |name| std::env::var_os(name).is_some();
        if Path::new("/run/.containerenv").exists() {
            Self::Podman
        } else if is_set("KUBERNETES_SERVICE_HOST") {
            Self::Kubernetes
        } else if is_set("INVOCATION_ID") {
            Self::Service
        } else {
            Self::Unknown
        }
    }

    /// What lets a program make namespaces with settings of their own there.
    pub(in crate::lab) const fn namespaces(self) -> &'static str {
        match self {
            Self::Unknown => {
                "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined --security-opt apparmor=unconfined ..."
            }
            Self::Podman => "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL ...",
            Self::Kubernetes => "kubectl debug --profile=sysadmin ...",
            Self::Service => "RestrictNamespaces=no ProtectKernelTunables=no",
        }
    }

    /// What gives CAP_NET_ADMIN, and CAP_NET_RAW where that is not usual.
    pub(in crate::lab) const fn net_admin(self) -> &'static str {
        match self {
            Self::Unknown => "docker run --cap-add NET_ADMIN ...",
            Self::Podman => "podman run --cap-add NET_ADMIN,NET_RAW ...",
            Self::Kubernetes => "kubectl debug --profile=netadmin ...",
            Self::Service => "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW",
        }
    }

    /// What makes the program's user one that may be itself in a user namespace.
    pub(in crate::lab) const fn other_user(self) -> &'static str {
        match self {
            Self::Unknown => "docker run --user 1000 ...",
            Self::Podman => "podman run --user 1000 ...",
            Self::Kubernetes => "securityContext: runAsUser: 1000",
            Self::Service => "DynamicUser=yes",
        }
    }

    /// What makes /proc/sys writable.
    pub const fn settings(self) -> &'static str {
        match self {
            Self::Unknown => "docker run --security-opt systempaths=unconfined --security-opt apparmor=unconfined ...",
            Self::Podman => "podman run --security-opt unmask=ALL ...",
            Self::Kubernetes => "kubectl debug --profile=sysadmin ...",
            Self::Service => "ProtectKernelTunables=no",
        }
    }
}
