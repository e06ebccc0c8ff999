//! Who holds what, and who may take more: decisions without I/O.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::{Demand, Place};
use crate::driver::Ticket;
use crate::model::quota::{Amount, Quotas, Scope};

/// Number of a seat; those that came earlier have smaller ones.
pub(super) type SeatId = u64;

/// Who holds what.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) quotas: Quotas,
    used: HashMap<Scope, Amount>,
    seats: BTreeMap<SeatId, Seat>,
    last: SeatId,
}

/// What one scan holds and wants.
#[derive(Debug)]
struct Seat {
    place: Place,
    /// Higher goes first.
    priority: i32,
    held: HashMap<Ticket, Demand>,
    wants: Vec<Demand>,
}

impl Book {
    pub(super) fn new(quotas: Quotas) -> Self {
        Self { quotas, ..Self::default() }
    }

    pub(super) fn add(&mut self, place: Place) -> SeatId {
        self.last += 1;
        self.seats.insert(self.last, Seat { place, priority: 0, held: HashMap::new(), wants: Vec::new() });
        self.last
    }

    pub(super) fn rank_as(&mut self, id: SeatId, priority: i32) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.priority = priority;
        }
    }

    /// Gives back all that a seat holds; returns whether anything changed for others.
    pub(super) fn remove(&mut self, id: SeatId) -> bool {
        let changed = self.keep(id, |_| false);
        self.seats.remove(&id).is_some_and(|seat| changed || !seat.wants.is_empty())
    }

    /// Counts what an attempt uses whether there is room or not: it runs already.
    pub(super) fn hold(&mut self, id: SeatId, ticket: Ticket, demand: &Demand) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let scopes = scopes(&seat.place, demand);
        if seat.held.insert(ticket, demand.clone()).is_none() {
            for scope in scopes {
                let used = self.used.entry(scope).or_default();
                *used = used.plus(demand.amount);
            }
        }
    }

    /// Gives back what those attempts use that are not live any more; returns whether that was anything.
    pub(super) fn keep(&mut self, id: SeatId, is_live: impl Fn(Ticket) -> bool) -> bool {
        let Some(seat) = self.seats.get_mut(&id) else { return false };
        let over: Vec<Ticket> = seat.held.keys().copied().filter(|ticket| !is_live(*ticket)).collect();
        for demand in over.iter().filter_map(|ticket| seat.held.remove(ticket)) {
            for scope in scopes(&seat.place, &demand) {
                if let Some(used) = self.used.get_mut(&scope) {
                    *used = used.minus(demand.amount);
                    if used.is_nothing() {
                        self.used.remove(&scope);
                    }
                }
            }
        }
        !over.is_empty()
    }

    /// Forgets what a seat wanted; returns it.
    pub(super) fn forget_wants(&mut self, id: SeatId) -> Vec<Demand> {
        self.seats.get_mut(&id).map(|seat| std::mem::take(&mut seat.wants)).unwrap_or_default()
    }

    pub(super) fn wants(&self, id: SeatId) -> bool {
        self.seats.get(&id).is_some_and(|seat| !seat.wants.is_empty())
    }

    /// Takes what an attempt uses if there is room and nobody who goes first waits for it; otherwise notes that it is wanted.
    pub(super) fn ask(&mut self, id: SeatId, ticket: Ticket, demand: &Demand) -> bool {
        let Some(seat) = self.seats.get(&id) else { return false };
        let ours = scopes(&seat.place, demand);
        let free = self.full(&ours, demand.amount, &[]).is_empty() && !self.others_go_first(id, &ours, demand.amount);
        if free {
            self.hold(id, ticket, demand);
        } else if let Some(seat) = self.seats.get_mut(&id) {
            seat.wants.push(demand.clone());
        }
        free
    }

    /// Whether somebody who goes first would have to wait longer: for what we would take, or for a scope that is full for them already.
    fn others_go_first(&self, id: SeatId, ours: &[Scope], amount: Amount) -> bool {
        let rank = self.rank(id);
        let before = self.seats.iter().filter(|(other, seat)| **other != id && !seat.wants.is_empty());
        before.filter(|(other, _)| self.rank(**other) < rank).any(|(_, seat)| {
            seat.wants.iter().any(|want| {
                let theirs = scopes(&seat.place, want);
                let full = self.full(&theirs, want.amount, &[]);
                let taken: Vec<(&Scope, Amount)> = ours.iter().map(|scope| (scope, amount)).collect();
                match full.as_slice() {
                    [] => !self.full(&theirs, want.amount, &taken).is_empty(),
                    full => full.iter().any(|scope| ours.contains(scope)),
                }
            })
        })
    }

    /// The scopes that have no room for so much more, if these had been taken beside.
    fn full<'s>(&self, scopes: &'s [Scope], amount: Amount, taken: &[(&Scope, Amount)]) -> Vec<&'s Scope> {
        let used = |scope: &Scope| {
            let used = self.used.get(scope).copied().unwrap_or_default();
            taken.iter().filter(|(other, _)| *other == scope).fold(used, |used, (_, more)| used.plus(*more))
        };
        let has_room = |scope: &Scope| self.quotas.of(scope).is_none_or(|quota| quota.has_room(used(scope), amount));
        scopes.iter().filter(|scope| !has_room(scope)).collect()
    }

    /// Smaller goes first: higher priority, then the project that uses least, then who came first.
    fn rank(&self, id: SeatId) -> (Reverse<i32>, u64, SeatId) {
        let seat = self.seats.get(&id);
        let used = seat.and_then(|seat| self.used.get(&Scope::Project(seat.place.project.clone())));
        let share = used.copied().unwrap_or_default().containers();
        (Reverse(seat.map_or(i32::MIN, |seat| seat.priority)), share, id)
    }

    #[cfg(test)]
    pub(super) fn used(&self, scope: &Scope) -> u64 {
        self.used.get(scope).copied().unwrap_or_default().containers()
    }
}

fn scopes(place: &Place, demand: &Demand) -> Vec<Scope> {
    vec![
        Scope::All,
        Scope::Project(place.project.clone()),
        Scope::Executor(place.executor.clone()),
        Scope::Scanner(demand.scanner.clone()),
        Scope::Target(place.target.clone()),
    ]
}
