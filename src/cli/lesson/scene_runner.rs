//! Runs the scenes of a lesson: one private network, in which their sessions follow each other.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::kernel::proc;
use crate::lab::knobs::KnobError;
use crate::lab::namespace::{LISTENER_V4, Namespace, NetworkPlan, Refusal};
use crate::model::settings::Sysctls;
use crate::scenario::Script;
use crate::scenario::lesson::Lesson;
use crate::session::Session;
use crate::session::live::{self, LabSite, LiveError, LivePlan, Past};

/// Where the scenes of a lesson are played.
#[derive(Debug)]
pub(super) struct SceneRunner {
    lesson: Arc<Lesson>,
    namespace: Arc<Namespace>,
    host: Sysctls,
    /// How many sessions were opened.
    opened: u16,
}

impl SceneRunner {
    /// Enters a private network for this lesson. Call it while the process has one thread.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) fn enter(lesson: &Arc<Lesson>) -> Result<Self, Refusal> {
        let host = proc::read_sysctls();
        let namespace = Arc::new(Namespace::enter(&NetworkPlan::like_host(host.clone()))?);
        Ok(Self { lesson: Arc::clone(lesson), namespace, host, opened: 0 })
    }

    /// Why the lesson cannot be tried here although there is a network: a setting that it turns is out of reach.
    pub(super) fn obstacle(&self) -> Option<KnobError> {
        let token = self.namespace.token();
        self.lesson.sysctls().find_map(|(sysctl, value)| token.may_write(sysctl, value).err())
    }

    /// Opens the session of a scene; that of the scene before has ended.
    ///
    /// Each has a port of its own: the kernel still keeps connections and half-open requests of the listener before for a while, and
    /// they must not be taken for this one's.
    ///
    /// # Errors
    /// As for every session.
    pub(super) fn open(&mut self, scene: usize, past: Past) -> Result<Session, LiveError> {
        let Some(scene) = self.lesson.scenes.get(scene) else { return Err(LiveError::Vanished) };
        let port = FIRST_PORT + self.opened % PORTS;
        self.opened = self.opened.wrapping_add(1);
        let lab = &scene.lab;
        live::start(LivePlan {
            capture: None,
            knobs: lab.knobs.clone(),
            clients: lab.clients,
            address: Some(SocketAddr::new(IpAddr::V4(LISTENER_V4), port)),
            seed: lab.seed,
            count: None,
            duration: None,
            script: Script::default(),
            site: LabSite::Lab(Arc::clone(&self.namespace)),
            host: self.host.clone(),
            sysctls: lab.sysctls.clone(),
            programs: None,
            past,
        })
    }
}

const FIRST_PORT: u16 = 8080;
/// Below the ephemeral ports.
const PORTS: u16 = 20_000;
