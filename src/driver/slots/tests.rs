use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::quota::Scope;
use crate::model::scanner::{ExitCodes, Limits, Network};
use crate::model::unit::Span;

fn place(project: &str) -> Place {
    Place { project: project.to_owned(), executor: "docker".to_owned(), target: "t".to_owned() }
}

fn demand(scanner: &str) -> Demand {
    Demand { scanner: scanner.to_owned(), amount: Amount::of(&Limits::default()) }
}

fn ticket(job: usize) -> Ticket {
    Ticket { job, attempt: 1 }
}

fn spec() -> JobSpec {
    JobSpec {
        scanner: "s".to_owned(),
        image: String::new(),
        program: String::new(),
        command: Vec::new(),
        env: BTreeMap::new(),
        source: None,
        target: String::new(),
        results: Vec::new(),
        exit_codes: ExitCodes::default(),
        accept_empty: false,
        network: Network::None,
        timeout: Span(Duration::from_secs(1)),
        limits: Limits::default(),
        secrets: BTreeMap::new(),
        data: Vec::new(),
        exceptions: Vec::new(),
    }
}

fn book(quotas: &str) -> Book {
    Book::new(serde_json::from_str(quotas).unwrap())
}

#[test]
fn a_scanner_has_its_bound_and_others_pass() {
    let mut book = book(r#"{"scanners":{"nmap":{"containers":1}}}"#);
    let (a, b) = (book.add(place("p")), book.add(place("p")));
    assert!(book.ask(a, ticket(0), &demand("nmap")));
    assert!(!book.ask(b, ticket(0), &demand("nmap")));
    assert!(book.ask(b, ticket(1), &demand("gitleaks")));
    assert!(book.keep(a, |_| false));
    assert!(book.ask(b, ticket(0), &demand("nmap")));
}

#[test]
fn who_goes_first_is_not_passed_by_who_asks_first() {
    let mut book = book(r#"{"all":{"containers":1}}"#);
    let (low, high) = (book.add(place("p")), book.add(place("p")));
    book.rank_as(high, 5);
    assert!(book.ask(low, ticket(0), &demand("s")));
    assert!(!book.ask(high, ticket(0), &demand("s")));
    book.keep(low, |_| false);
    assert!(!book.ask(low, ticket(1), &demand("s")), "the higher priority waits for it");
    assert!(book.ask(high, ticket(0), &demand("s")));
}

#[test]
fn a_large_demand_is_not_starved_by_small_ones() {
    let mut book = book(r#"{"all":{"containers":10,"memory":"1GiB"}}"#);
    let large = Demand {
        amount: Amount::of(&Limits { memory: crate::model::unit::ByteSize(1 << 30), ..Limits::default() }),
        ..demand("large")
    };
    let (first, second) = (book.add(place("p")), book.add(place("p")));
    assert!(book.ask(second, ticket(0), &demand("small")));
    assert!(!book.ask(first, ticket(0), &large));
    assert!(!book.ask(second, ticket(1), &demand("small")), "there is room, and somebody before us waits for it");
    book.keep(second, |_| false);
    assert!(book.ask(first, ticket(0), &large));
}

#[test]
fn projects_take_turns() {
    let mut book = book(r#"{"all":{"containers":2}}"#);
    let (a, b) = (book.add(place("a")), book.add(place("b")));
    assert!(book.ask(a, ticket(0), &demand("s")) && book.ask(a, ticket(1), &demand("s")));
    assert!(!book.ask(b, ticket(0), &demand("s")) && !book.ask(a, ticket(2), &demand("s")));
    book.keep(a, |ticket| ticket.job != 0);
    assert!(!book.ask(a, ticket(2), &demand("s")), "the other project has nothing yet");
    assert!(book.ask(b, ticket(0), &demand("s")));
}

#[tokio::test]
async fn who_was_refused_is_woken_when_a_seat_is_given_up() {
    let slots = Slots::new(serde_json::from_str(r#"{"all":{"containers":1}}"#).unwrap());
    let (mut holder, mut waiter) = (slots.seat(place("p")), slots.seat(place("p")));
    let spec = spec();
    assert!(holder.round(0, |_| true, |may| may(ticket(0), &spec)));
    assert!(!waiter.round(0, |_| true, |may| may(ticket(0), &spec)));
    assert!(waiter.waits());
    drop(holder);
    waiter.freed().await;
    assert!(waiter.round(0, |_| true, |may| may(ticket(0), &spec)));
}

proptest! {
    /// Whatever is asked and given back, nothing is counted twice or forgotten, no bound is passed, and in the end nothing is held.
    #[test]
    fn what_is_used_is_what_is_held(steps in prop::collection::vec((0..4usize, 0..3usize, 0..6usize, any::<bool>()), 0..200)) {
        let mut book = book(r#"{"all":{"containers":5}}"#);
        let seats: Vec<_> = (0..4).map(|i| book.add(place(["a", "b"][i % 2]))).collect();
        let mut held: HashMap<(usize, usize), usize> = HashMap::new();
        for (seat, scanner, job, give_back) in steps {
            if give_back {
                held.remove(&(seat, job));
                book.keep(seats[seat], |ticket| ticket.job != job);
            } else if let Entry::Vacant(place) = held.entry((seat, job)) {
                book.forget_wants(seats[seat]);
                if book.ask(seats[seat], ticket(job), &demand(["x", "y", "z"][scanner])) {
                    place.insert(scanner);
                }
            }
            prop_assert!(held.len() <= 5);
            prop_assert_eq!(book.used(&Scope::All), held.len() as u64);
            for (i, name) in ["x", "y", "z"].into_iter().enumerate() {
                let expected = held.values().filter(|scanner| **scanner == i).count() as u64;
                prop_assert_eq!(book.used(&Scope::Scanner(name.to_owned())), expected);
            }
        }
        for seat in seats {
            book.remove(seat);
        }
        prop_assert_eq!(book.used(&Scope::All), 0);
    }
}
