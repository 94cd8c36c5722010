use super::*;
use crate::model::sample::QueueReading;
use crate::model::settings::Sysctls;
use crate::model::watch::{Rights, Watching};

#[test]
fn the_address_of_a_forgotten_listener_is_forgotten_with_it() {
    let (kernel, rights, sysctls) = ("6.18.44".into(), Rights::default(), Sysctls::default());
    let watching = Watching { kernel, pid: 1, rights, netns: None, target: None, sysctls };
    let reading = |id, port| ListenerReading {
        id: ListenerId(id),
        address: Address::Tcp(([127, 0, 0, 1], port).into()),
        v6_only: None,
        queue: QueueReading { depth: Some(0), limit: Some(5), drops: Some(0) },
        inode: id,
        uid: Some(0),
    };
    let snapshot = |changed, gone| Event::Snapshot(Box::new(ListenerSnapshot { changed, gone }));
    let mut listeners = Listeners::default();
    listeners.apply(Stamp::ZERO, &Event::Watching(Box::new(watching)));
    listeners.apply(Stamp::ZERO, &snapshot(vec![reading(1, 80), reading(2, 81)], Vec::new()));
    listeners.apply(Stamp::from_millis(200), &snapshot(Vec::new(), vec![ListenerId(1)]));
    for second in 1..=61 {
        listeners.apply(Stamp::from_millis(1000 * second), &Event::Tick);
    }
    assert_eq!((listeners.by_id.len(), listeners.addresses.len()), (1, 1));
}
