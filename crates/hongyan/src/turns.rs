//! Turns of webhook calls: so many at once in all, shared out fairly between the endpoints that are called.
//!
//! A call to an endpoint that hangs keeps its turn until its time is over, and nothing can take it back before. So turns are
//! held back from those who would use them up:
//! - an endpoint begins no further call when it has as many under way as half of the turns that are free; its first call needs
//!   only one that is free. However many one endpoint wants, others find free turns, and half of those again for the next;
//! - endpoints of which the last call got no answer, or that have not answered yet, are *unproven*: each has a few turns, and all
//!   of them together at most half. However many of them hang, the other half is left to those that answer;
//! - among endpoints that wait, each has its turn in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

/// Calls of one endpoint that wait at most; more are turned away.
const WAITING_MAX: usize = 1024;
/// The share of all turns that one unproven endpoint may have.
const UNPROVEN_SHARE: usize = 32;
/// Endpoints that are remembered while nothing is under way.
const IDLE_ENDPOINTS_MAX: usize = 10_000;

/// The turns. Cheap to clone.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<Shares>>);

/// A turn, which lasts until this is dropped. Unless it is said to have been answered, the endpoint is taken for one that
/// does not answer.
pub struct Turn {
    turns: Turns,
    endpoint: Arc<str>,
    is_answered: bool,
}

struct Shares {
    total: usize,
    free: usize,
    /// Turns of endpoints that are unproven.
    unproven: usize,
    endpoints: FxHashMap<Arc<str>, Endpoint>,
    /// Endpoints with calls that wait, whose turn is next first.
    round: VecDeque<Arc<str>>,
}

#[derive(Default)]
struct Endpoint {
    running: usize,
    /// Of those, how many began when the endpoint was unproven.
    running_unproven: usize,
    is_proven: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

impl Turns {
    /// So many at once.
    pub fn new(total: usize) -> Self {
        let (endpoints, round) = Default::default();
        Self(Arc::new(Mutex::new(Shares { total, free: total, unproven: 0, endpoints, round })))
    }

    /// A turn to call `endpoint`, when it comes; `None` when too many wait for the same already.
    pub async fn take(&self, endpoint: &str) -> Option<Turn> {
        self.ask(endpoint)?.await.ok()
    }

    /// The way in which a turn will come.
    fn ask(&self, endpoint: &str) -> Option<oneshot::Receiver<Turn>> {
        let (sender, receiver) = oneshot::channel();
        let mut shares = self.shares();
        let name: Arc<str> = endpoint.into();
        let known = shares.endpoints.entry(name.clone()).or_default();
        if known.waiting.len() >= WAITING_MAX {
            return None;
        }
        known.waiting.push_back(sender);
        if known.waiting.len() == 1 {
            shares.round.push_back(name);
        }
        self.give(&mut shares);
        Some(receiver)
    }

    /// Gives out what is free to those who may have it.
    fn give(&self, shares: &mut Shares) {
        let mut passed_over = 0;
        while passed_over < shares.round.len() {
            let Some(name) = shares.round.pop_front() else { break };
            if !shares.may_begin(&name) {
                shares.round.push_back(name);
                passed_over += 1;
                continue;
            }
            passed_over = 0;
            let Some(sender) = shares.next_of(&name) else { continue };
            shares.begin(&name);
            let turn = Turn { turns: self.clone(), endpoint: name.clone(), is_answered: false };
            if let Err(turn) = sender.send(turn) {
                // Whoever waited has gone away. Not dropped, since that would come back here.
                std::mem::forget(turn);
                shares.end(&name, None);
            }
        }
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shares {
    fn may_begin(&self, name: &str) -> bool {
        let Some(endpoint) = self.endpoints.get(name) else { return false };
        let share = if endpoint.is_proven { self.free / 2 } else { self.total / UNPROVEN_SHARE };
        let has_share = endpoint.running == 0 || endpoint.running < share.min(self.free / 2);
        let has_room = endpoint.is_proven || self.unproven < self.total.div_ceil(2);
        self.free > 0 && has_share && has_room
    }

    /// The call of an endpoint that waits longest; the endpoint stays in the round if there are more.
    fn next_of(&mut self, name: &Arc<str>) -> Option<oneshot::Sender<Turn>> {
        let endpoint = self.endpoints.get_mut(name)?;
        let sender = endpoint.waiting.pop_front();
        if !endpoint.waiting.is_empty() {
            self.round.push_back(name.clone());
        }
        sender
    }

    fn begin(&mut self, name: &str) {
        let Some(endpoint) = self.endpoints.get_mut(name) else { return };
        self.free -= 1;
        endpoint.running += 1;
        if !endpoint.is_proven {
            endpoint.running_unproven += 1;
            self.unproven += 1;
        }
    }

    /// A turn has ended; `is_answered` says how, unless there was no call.
    fn end(&mut self, name: &str, is_answered: Option<bool>) {
        let Some(endpoint) = self.endpoints.get_mut(name) else { return };
        self.free += 1;
        endpoint.running -= 1;
        endpoint.is_proven = is_answered.unwrap_or(endpoint.is_proven);
        // Which of them ended makes no difference: they are counted off as they were counted.
        if endpoint.running_unproven > 0 {
            endpoint.running_unproven -= 1;
            self.unproven -= 1;
        }
        let is_idle = endpoint.running == 0 && endpoint.waiting.is_empty();
        if is_idle && (!endpoint.is_proven || self.endpoints.len() > IDLE_ENDPOINTS_MAX) {
            self.endpoints.remove(name);
        }
    }
}

impl Turn {
    /// The endpoint has answered, whatever it said.
    pub fn answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let turns = self.turns.clone();
        let mut shares = turns.shares();
        shares.end(&self.endpoint, Some(self.is_answered));
        turns.give(&mut shares);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An endpoint's calls: those that wait, and those that have their turn.
    #[derive(Default)]
    struct Calls {
        waiting: Vec<oneshot::Receiver<Turn>>,
        running: Vec<Turn>,
    }

    impl Calls {
        fn ask(&mut self, turns: &Turns, endpoint: &str, count: usize) {
            self.waiting.extend((0..count).map(|_| turns.ask(endpoint).expect("it may wait")));
            self.look();
        }

        /// Takes the turns that have come.
        fn look(&mut self) {
            let running = &mut self.running;
            self.waiting.retain_mut(|receiver| match receiver.try_recv() {
                Ok(turn) => {
                    running.push(turn);
                    false
                }
                Err(_) => true,
            });
        }
    }

    /// An endpoint that has answered a call.
    fn prove(turns: &Turns, endpoint: &str) {
        let mut turn = turns.ask(endpoint).unwrap().try_recv().expect("at once");
        turn.answered();
    }

    #[test]
    fn one_endpoint_cannot_have_all_turns() {
        let turns = Turns::new(256);
        prove(&turns, "greedy");
        let mut greedy = Calls::default();
        greedy.ask(&turns, "greedy", 1000);
        assert_eq!(greedy.running.len(), 85, "a third");
        let mut second = Calls::default();
        prove(&turns, "second");
        second.ask(&turns, "second", 1000);
        assert_eq!(second.running.len(), 57, "a third of what was left");
        prove(&turns, "third");
    }

    #[test]
    fn a_hundred_endpoints_that_hang_leave_half_of_the_turns_to_those_that_answer() {
        let turns = Turns::new(256);
        let mut hanging: Vec<Calls> = (0..100).map(|_| Calls::default()).collect();
        for (n, calls) in hanging.iter_mut().enumerate() {
            calls.ask(&turns, &format!("hanging-{n}"), 32);
        }
        let held: usize = hanging.iter().map(|calls| calls.running.len()).sum();
        assert_eq!(held, 128);
        // One that is new waits for one of those to give up, and no longer: then it is its turn.
        let mut fresh = Calls::default();
        fresh.ask(&turns, "fresh", 3);
        assert_eq!(fresh.running.len(), 0);
        let mut rounds = 0;
        while fresh.running.is_empty() {
            // The call that runs longest, of whichever endpoint, is given up.
            let calls = hanging.iter_mut().find(|calls| !calls.running.is_empty()).expect("they hang");
            drop(calls.running.remove(0));
            hanging.iter_mut().for_each(Calls::look);
            fresh.look();
            rounds += 1;
            assert!(rounds <= 128, "every turn has ended once");
        }
        fresh.running.iter_mut().for_each(Turn::answered);
        fresh.running.clear();
        fresh.look();
        // It has answered: whatever it has to do now is done at once, however long the others hang.
        for _ in 0..10_000 {
            fresh.ask(&turns, "fresh", 1);
            assert!(!fresh.running.is_empty() && fresh.waiting.is_empty());
            fresh.running.iter_mut().for_each(Turn::answered);
            fresh.running.clear();
        }
    }

    #[test]
    fn an_endpoint_that_stops_answering_is_unproven() {
        let turns = Turns::new(8);
        prove(&turns, "a");
        drop(turns.ask("a").unwrap().try_recv().expect("at once"));
        let mut calls = Calls::default();
        (0..4).for_each(|n| calls.ask(&turns, &format!("hanging-{n}"), 1));
        assert_eq!(calls.running.len(), 4);
        let mut waiting = turns.ask("a").unwrap();
        assert!(waiting.try_recv().is_err());
        calls.running.pop();
        assert!(waiting.try_recv().is_ok());
    }

    #[test]
    fn who_goes_away_leaves_the_turn_to_the_next() {
        let turns = Turns::new(1);
        let first = turns.ask("a").unwrap().try_recv().expect("at once");
        let (second, mut third) = (turns.ask("b").unwrap(), turns.ask("c").unwrap());
        drop(second);
        assert!(third.try_recv().is_err());
        drop(first);
        let turn = third.try_recv().expect("the turn");
        // A turn that was given and not fetched is given on.
        let unfetched = turns.ask("a").unwrap();
        drop(turn);
        let mut last = turns.ask("b").unwrap();
        assert!(last.try_recv().is_err());
        drop(unfetched);
        assert!(last.try_recv().is_ok());
        assert!(turns.shares().round.is_empty());
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let turns = Turns::new(1);
        let _held = turns.ask("a").unwrap().try_recv().expect("at once");
        let waiting: Vec<_> = (0..WAITING_MAX).map(|_| turns.ask("a").expect("it may wait")).collect();
        assert!(turns.ask("a").is_none());
        assert!(turns.ask("b").is_some());
        drop(waiting);
    }

    #[tokio::test]
    async fn a_turn_comes_when_another_ends() {
        let turns = Turns::new(1);
        let first = turns.take("a").await.expect("at once");
        let (waiting, ended) = tokio::join!(turns.take("b"), async { drop(first) });
        assert!(waiting.is_some());
        assert_eq!(ended, ());
    }
}
