//! Tests of one client against hand-made segments.

use std::net::Ipv4Addr;

use super::*;
use flags::{ACK, FIN, PSH, RST, SYN};

const ISN: u32 = u32::MAX - 3;
const SERVER_ISN: u32 = 7000;
const START: ClientStart = ClientStart { isn: ISN, request: 20, half_open: false };
const DATA_AT: u32 = ISN.wrapping_add(1);

fn rules() -> Rules {
    Rules { schedule: SynSchedule::new(6, 4), behaviour: ClientBehaviour::default() }
}

fn first_close() -> Rules {
    Rules { behaviour: ClientBehaviour { close: Close::First, ..ClientBehaviour::default() }, ..rules() }
}

fn from_server(flags: u8, seq: u32, ack: u32, payload: u16) -> Segment {
    let peer = Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 40_000);
    Segment { peer, toward: Toward::Client, flags, seq, ack, payload, window_scale: true, timestamps: false }
}

fn syn_ack() -> Segment {
    from_server(SYN | ACK, SERVER_ISN, DATA_AT, 0)
}

fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

/// A client that has its SYN-ACK after 10 ms and has sent its request.
fn connected(rules: &Rules) -> (Client, Step) {
    let (mut client, _) = Client::start(Stamp::ZERO, START, rules);
    let step = client.handle_segment(ms(10), &syn_ack(), rules);
    (client, step)
}

fn kinds(step: &Step) -> Vec<Kind> {
    step.sends.iter().flatten().map(|segment| segment.kind).collect()
}

fn only(step: &Step) -> OutgoingSegment {
    assert_eq!(step.sends.iter().flatten().count(), 1, "{step:?}");
    step.sends[0].unwrap()
}

#[test]
fn a_client_is_small() {
    assert!(size_of::<Client>() <= 48, "{}", size_of::<Client>());
}

#[test]
fn an_unanswered_client_sends_its_syn_as_often_as_the_schedule_says_and_gives_up() {
    let (mut client, step) = Client::start(Stamp::ZERO, START, &rules());
    let mut sent = vec![(0, only(&step).attempt)];
    let mut last = step;
    while let Some(at) = client.deadline() {
        assert_eq!(last.retry, Some(ClientEvent::WillRetry { at, gives_up: sent.len() == 11 }));
        assert_eq!(
            client.handle_timeout(Stamp::from_nanos(at.as_nanos() - 1), &rules()),
            Step::default(),
            "never early"
        );
        last = client.handle_timeout(at, &rules());
        sent.extend(last.sends.iter().flatten().map(|syn| (at.as_nanos() / 1_000_000_000, syn.attempt)));
    }
    assert_eq!(last.event, Some(ClientEvent::TimedOut));
    let seconds = [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 69];
    assert_eq!(sent, seconds.into_iter().zip(1..).collect::<Vec<_>>());
}

#[test]
fn the_syn_carries_the_window_scale_and_no_timestamps() {
    let (_, step) = Client::start(Stamp::ZERO, START, &rules());
    let syn = only(&step).sent_by(syn_ack().peer);
    assert_eq!((syn.kind(), syn.seq, syn.window_scale, syn.timestamps), (Kind::Syn, ISN, true, false));
}

#[test]
fn a_syn_ack_is_answered_with_ack_and_request() {
    let (_, step) = connected(&rules());
    assert_eq!(step.event, Some(ClientEvent::Connected));
    assert_eq!(kinds(&step), [Kind::Ack, Kind::Data]);
    let [ack, request] = step.sends.map(|segment| segment.unwrap().sent_by(syn_ack().peer));
    assert_eq!((ack.seq, ack.ack, ack.payload), (DATA_AT, SERVER_ISN + 1, 0));
    assert_eq!((request.seq, request.ack, request.payload, request.flags), (DATA_AT, SERVER_ISN + 1, 20, ACK | PSH));
}

#[test]
fn a_repeated_syn_ack_gets_a_repeated_ack_each_time() {
    let (mut client, _) = connected(&rules());
    for attempt in 2..5 {
        let ack = only(&client.handle_segment(ms(1000), &syn_ack(), &rules()));
        assert_eq!((ack.kind, ack.attempt, ack.ack), (Kind::Ack, attempt, SERVER_ISN + 1));
    }
}

#[test]
fn the_request_waits_for_the_think_time() {
    let thoughtful =
        Rules { behaviour: ClientBehaviour { think: Duration::from_secs(2), ..ClientBehaviour::default() }, ..rules() };
    let (mut client, step) = connected(&thoughtful);
    assert_eq!(kinds(&step), [Kind::Ack]);
    assert_eq!(client.deadline(), Some(ms(2010)));
    assert_eq!(only(&client.handle_timeout(ms(2010), &thoughtful)).kind, Kind::Data);
}

#[test]
fn the_request_is_sent_again_from_isn_plus_one_with_doubling_waits_until_it_is_given_up() {
    let (mut client, _) = connected(&rules());
    let mut moments = vec![10];
    let mut last = Step::default();
    while let Some(at) = client.deadline() {
        last = client.handle_timeout(at, &rules());
        moments.push(at.as_nanos() / 1_000_000);
        if let Some(again) = last.sends[0] {
            assert_eq!(
                (again.kind, again.seq, again.payload, usize::from(again.attempt)),
                (Kind::Data, DATA_AT, 20, moments.len())
            );
        }
    }
    assert_eq!(last.event, Some(ClientEvent::TimedOut));
    assert_eq!(moments.len(), 1 + 15 + 1);
    let waits: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Ten milliseconds of round trip and 200 ms more, then doubled; the wheel adds at most an eighth and a tick.
    for (wait, nominal) in waits.iter().zip([210, 420, 840, 1680, 3360, 6720, 13_440, 26_880, 53_760, 107_520, 120_000])
    {
        assert!((nominal..=nominal + nominal / 8 + 8).contains(wait), "{wait} {nominal}");
    }
}

#[test]
fn without_a_sample_the_first_timeout_is_three_seconds() {
    let (mut client, _) = Client::start(Stamp::ZERO, START, &rules());
    client.handle_timeout(client.deadline().unwrap(), &rules());
    client.handle_segment(ms(1100), &syn_ack(), &rules());
    let wait = client.deadline().unwrap().since(ms(1100)).as_millis();
    assert!((3000..3400).contains(&wait), "{wait}");
}

#[test]
fn an_acknowledged_request_needs_no_timer() {
    let (mut client, _) = connected(&rules());
    let step = client.handle_segment(ms(20), &from_server(ACK, SERVER_ISN + 1, DATA_AT.wrapping_add(20), 0), &rules());
    assert_eq!(step, Step::default());
    assert_eq!(client.deadline(), None);
}

#[test]
fn the_servers_fin_is_answered_with_fin_and_its_ack_ends_the_connection() {
    let (mut client, _) = connected(&rules());
    let fin = from_server(FIN | ACK, SERVER_ISN + 1, DATA_AT.wrapping_add(20), 5);
    let answer = only(&client.handle_segment(ms(20), &fin, &rules()));
    let own_fin = answer.sent_by(fin.peer);
    assert_eq!((answer.kind, own_fin.seq, own_fin.ack), (Kind::Fin, DATA_AT.wrapping_add(20), SERVER_ISN + 7));
    let repeated = client.handle_segment(ms(25), &fin, &rules());
    assert_eq!((kinds(&repeated), repeated.event), (vec![Kind::Ack], None));
    let end = client.handle_segment(ms(30), &from_server(ACK, SERVER_ISN + 7, own_fin.end(), 0), &rules());
    assert_eq!((end.event, client.deadline()), (Some(ClientEvent::Finished), None));
}

#[test]
fn a_lost_fin_is_sent_again_together_with_the_unacknowledged_request() {
    let (mut client, _) = connected(&rules());
    client.handle_segment(ms(20), &from_server(FIN | ACK, SERVER_ISN + 1, DATA_AT, 0), &rules());
    let again = only(&client.handle_timeout(client.deadline().unwrap(), &rules()));
    assert_eq!((again.kind, again.seq, again.payload, again.flags), (Kind::Fin, DATA_AT, 20, FIN | ACK | PSH));
}

#[test]
fn a_client_that_closes_first_sends_its_fin_with_the_request_and_finishes_at_the_servers_fin() {
    let rules = first_close();
    let (mut client, step) = connected(&rules);
    let request = step.sends[1].unwrap().sent_by(syn_ack().peer);
    assert_eq!((request.kind(), request.payload), (Kind::Fin, 20));
    assert_eq!(client.handle_segment(ms(20), &from_server(ACK, SERVER_ISN + 1, request.end(), 0), &rules).event, None);
    assert_eq!(client.deadline(), None);
    let end = client.handle_segment(ms(30), &from_server(FIN | ACK, SERVER_ISN + 1, request.end(), 0), &rules);
    assert_eq!((kinds(&end), end.event), (vec![Kind::Ack], Some(ClientEvent::Finished)));
}

#[test]
fn a_reset_of_the_syn_is_a_refusal_and_a_later_one_a_reset() {
    let (mut client, _) = Client::start(Stamp::ZERO, START, &rules());
    let refusal = from_server(RST | ACK, 0, DATA_AT, 0);
    assert_eq!(client.handle_segment(ms(5), &refusal, &rules()).event, Some(ClientEvent::Refused));
    let (mut client, _) = connected(&rules());
    let reset = from_server(RST, SERVER_ISN + 1, 0, 0);
    assert_eq!(client.handle_segment(ms(20), &reset, &rules()).event, Some(ClientEvent::Reset));
    assert_eq!(client.deadline(), None);
}

#[test]
fn a_stale_reset_changes_nothing() {
    let (mut client, _) = Client::start(Stamp::ZERO, START, &rules());
    assert_eq!(client.handle_segment(ms(5), &from_server(RST | ACK, 0, ISN, 0), &rules()), Step::default());
    assert_eq!(client.handle_segment(ms(5), &from_server(RST, 0, 0, 0), &rules()), Step::default());
    let (mut client, _) = connected(&rules());
    assert_eq!(client.handle_segment(ms(20), &from_server(RST, SERVER_ISN - 9, 0, 0), &rules()), Step::default());
}

#[test]
fn a_wrong_syn_ack_is_reset_and_the_right_one_still_counts() {
    let (mut client, _) = Client::start(Stamp::ZERO, START, &rules());
    let wrong = from_server(SYN | ACK, SERVER_ISN, 4711, 0);
    let reset = client.handle_segment(ms(5), &wrong, &rules());
    assert_eq!((only(&reset).kind, only(&reset).seq, reset.event), (Kind::Rst, 4711, None));
    assert_eq!(client.handle_segment(ms(6), &syn_ack(), &rules()).event, Some(ClientEvent::Connected));
}

#[test]
fn a_half_open_client_tries_its_syn_again_and_never_acknowledges() {
    let (mut client, _) = Client::start(Stamp::ZERO, ClientStart { half_open: true, ..START }, &rules());
    assert_eq!(only(&client.handle_timeout(client.deadline().unwrap(), &rules())).kind, Kind::Syn);
    let step = client.handle_segment(ms(1500), &syn_ack(), &rules());
    assert_eq!((kinds(&step), step.event, client.deadline()), (vec![], Some(ClientEvent::Vanished), None));
}

#[test]
fn a_response_is_acknowledged_and_a_repeated_one_again() {
    let (mut client, _) = connected(&rules());
    let response = from_server(ACK | PSH, SERVER_ISN + 1, DATA_AT.wrapping_add(20), 300);
    for _ in 0..2 {
        let ack = only(&client.handle_segment(ms(20), &response, &rules()));
        assert_eq!((ack.kind, ack.ack), (Kind::Ack, SERVER_ISN + 301));
    }
    let ahead = from_server(ACK | PSH, SERVER_ISN + 900, DATA_AT.wrapping_add(20), 10);
    assert_eq!(only(&client.handle_segment(ms(21), &ahead, &rules())).ack, SERVER_ISN + 301);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_not_believed() {
    let (mut client, _) = connected(&rules());
    let step = client.handle_segment(ms(20), &from_server(ACK, SERVER_ISN + 1, DATA_AT.wrapping_add(21), 0), &rules());
    assert_eq!(kinds(&step), [Kind::Ack]);
    assert!(client.deadline().is_some(), "the request is still unacknowledged");
}

#[test]
fn a_server_that_closes_before_the_request_gets_a_fin_and_no_request() {
    let thoughtful =
        Rules { behaviour: ClientBehaviour { think: Duration::from_secs(2), ..ClientBehaviour::default() }, ..rules() };
    let (mut client, _) = connected(&thoughtful);
    let fin = only(&client.handle_segment(ms(20), &from_server(FIN | ACK, SERVER_ISN + 1, DATA_AT, 0), &thoughtful));
    assert_eq!((fin.kind, fin.seq, fin.payload), (Kind::Fin, DATA_AT, 0));
    let end = client.handle_segment(ms(30), &from_server(ACK, SERVER_ISN + 2, DATA_AT.wrapping_add(1), 0), &thoughtful);
    assert_eq!(end.event, Some(ClientEvent::Finished));
}

#[test]
fn everything_that_is_retransmitted_reports_its_next_retry() {
    let will = |client: &Client, step: &Step| {
        assert_eq!(step.retry, client.deadline().map(|at| ClientEvent::WillRetry { at, gives_up: false }));
        step.retry.is_some()
    };
    let (mut client, step) = connected(&rules());
    assert_eq!(kinds(&step), [Kind::Ack, Kind::Data]);
    assert!(will(&client, &step), "the first request");
    let answer = from_server(ACK, SERVER_ISN + 1, DATA_AT.wrapping_add(20), 0);
    let answered = client.handle_segment(ms(20), &answer, &rules());
    assert!(!will(&client, &answered), "nothing is left to be sent again");
    let fin = from_server(FIN | ACK, SERVER_ISN + 1, DATA_AT.wrapping_add(20), 0);
    let step = client.handle_segment(ms(30), &fin, &rules());
    assert_eq!(kinds(&step), [Kind::Fin]);
    assert!(will(&client, &step), "its FIN");

    let slow = Rules {
        behaviour: ClientBehaviour { think: Duration::from_millis(50), ..ClientBehaviour::default() },
        ..rules()
    };
    let (mut client, step) = connected(&slow);
    assert_eq!((step.retry, client.deadline()), (None, Some(ms(60))), "a client that thinks has nothing to send again");
    let step = client.handle_timeout(ms(60), &slow);
    assert!(will(&client, &step) && kinds(&step) == [Kind::Data]);
}
