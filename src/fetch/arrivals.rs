//! What waits for the commit thread: bounded, and taken many at a time.
//!
//! A channel would wake that thread for each message. It is woken for the first one, when
//! as many are there as it waits for, and for a large one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What waits for the commit thread.
#[derive(Debug)]
pub(super) struct Arrivals<T> {
    waiting: Mutex<Queued<T>>,
    arrived: Condvar,
    taken: Condvar,
    /// At most so many wait, and so many octets but for the last one's.
    most: (usize, u64),
}

#[derive(Debug)]
struct Queued<T> {
    items: Vec<T>,
    octets: u64,
    /// So many wake the commit thread; `None` while it does not wait.
    wakes_at: Option<usize>,
    /// A large one is among them.
    has_large: bool,
    /// Nothing more will come.
    is_over: bool,
    /// Nothing more will be taken.
    is_left: bool,
}

impl<T> Queued<T> {
    fn is_full(&self, (items, octets): (usize, u64)) -> bool {
        self.items.len() >= items || self.octets >= octets
    }
}

/// An item of so many octets wakes the commit thread by itself: it lets the disk begin
/// with it.
pub(super) const LARGE: u64 = 64 * 1024;

impl<T> Arrivals<T> {
    pub(super) fn new(most: (usize, u64)) -> Self {
        let (items, octets, wakes_at) = (Vec::new(), 0, None);
        let (has_large, is_over, is_left) = (false, false, false);
        let waiting = Queued { items, octets, wakes_at, has_large, is_over, is_left };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new(), taken: Condvar::new(), most }
    }

    /// The end that puts in, and the end that takes out.
    pub(super) fn ends(&self) -> (Sender<'_, T>, Receiver<'_, T>) {
        (Sender(self), Receiver(self))
    }

    fn lock(&self) -> MutexGuard<'_, Queued<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that puts in. Dropped, nothing more will come.
#[derive(Debug)]
pub(super) struct Sender<'a, T>(&'a Arrivals<T>);

impl<T> Sender<'_, T> {
    /// Puts one in, of so many octets; waits while too many are there. Returns `false` if
    /// nothing more is taken.
    pub(super) fn send(&self, item: T, octets: u64) -> bool {
        let Arrivals { arrived, taken, most, .. } = self.0;
        let mut waiting = self.0.lock();
        while waiting.is_full(*most) && !waiting.is_left {
            waiting = taken.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.is_left {
            return false;
        }
        waiting.items.push(item);
        waiting.octets += octets;
        waiting.has_large |= octets >= LARGE;
        if let Some(wakes_at) = waiting.wakes_at
            && (waiting.is_full(*most) || waiting.has_large || waiting.items.len() >= wakes_at)
        {
            waiting.wakes_at = None;
            drop(waiting);
            // Each call is a system call, whether or not a thread waits.
            arrived.notify_one();
        }
        true
    }
}

impl<T> Drop for Sender<'_, T> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.arrived.notify_one();
    }
}

/// The end that takes out. Dropped, nothing more is taken.
#[derive(Debug)]
pub(super) struct Receiver<'a, T>(&'a Arrivals<T>);

impl<T> Receiver<'_, T> {
    /// At most so many wait.
    pub(super) fn most(&self) -> usize {
        self.0.most.0
    }

    /// Whether at least so many wait.
    pub(super) fn has(&self, at_least: usize) -> bool {
        self.0.lock().items.len() >= at_least
    }

    /// Takes all that are there, once there are so many, or a large one, or the time is
    /// over. Nothing is there if the time is over or nothing more will come.
    pub(super) fn take(&self, at_least: usize, until: Option<Instant>) -> Vec<T> {
        let Arrivals { arrived, taken, most, .. } = self.0;
        let at_least = at_least.clamp(1, most.0);
        let mut waiting = self.0.lock();
        while waiting.items.len() < at_least
            && waiting.octets < most.1
            && !waiting.has_large
            && !waiting.is_over
        {
            waiting.wakes_at = Some(at_least);
            waiting = match until {
                None => arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let Some(left) = until.checked_duration_since(Instant::now()) else { break };
                    let waited = arrived.wait_timeout(waiting, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        (waiting.octets, waiting.has_large, waiting.wakes_at) = (0, false, None);
        taken.notify_one();
        std::mem::take(&mut waiting.items)
    }
}

impl<T> Drop for Receiver<'_, T> {
    fn drop(&mut self) {
        self.0.lock().is_left = true;
        self.0.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn all_that_wait_are_taken_at_once_in_their_order() {
        let arrivals = Arrivals::new((9, 100));
        let (to, from) = arrivals.ends();
        (1..=3_u8).for_each(|item| assert!(to.send(item, 1)));
        assert_eq!(from.take(2, None), [1, 2, 3]);
        assert!(from.take(2, Some(Instant::now())).is_empty());
        assert!(to.send(4, 1));
        assert_eq!(from.take(2, Some(Instant::now())), [4]);
        drop(to);
        assert!(from.take(2, None).is_empty());
    }

    #[test]
    fn a_large_one_is_taken_before_enough_are_there() {
        let arrivals = Arrivals::new((9, u64::MAX));
        let (to, from) = arrivals.ends();
        assert!(to.send(1, LARGE));
        assert_eq!(from.take(2, None), [1]);
    }

    #[test]
    fn the_thread_that_takes_is_woken_once_and_only_while_it_waits() {
        let arrivals = Arrivals::new((9, 100));
        let (to, from) = arrivals.ends();
        let wakes_at = || arrivals.lock().wakes_at;
        assert!(to.send(1, 1));
        assert_eq!((from.take(1, None), wakes_at()), (vec![1], None));
        thread::scope(|scope| {
            let takes = scope.spawn(|| from.take(2, None));
            while wakes_at().is_none() {
                thread::yield_now();
            }
            assert!(to.send(2, 1));
            assert_eq!(wakes_at(), Some(2));
            assert!(to.send(3, 1));
            assert_eq!(takes.join().unwrap(), [2, 3]);
        });
        assert_eq!(wakes_at(), None);
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        for most in [(2, u64::MAX), (1000, 20)] {
            let arrivals = Arrivals::new(most);
            let (to, from) = arrivals.ends();
            thread::scope(|scope| {
                scope.spawn(move || (0..100).for_each(|item| assert!(to.send(item, 10))));
                let mut all = Vec::new();
                loop {
                    let taken = from.take(7, None);
                    assert!(taken.len() <= 2, "{taken:?}");
                    if taken.is_empty() {
                        break;
                    }
                    all.extend(taken);
                }
                assert_eq!(all, (0..100).collect::<Vec<u8>>());
            });
        }
    }

    #[test]
    fn nothing_is_sent_to_a_receiver_that_is_gone() {
        let arrivals = Arrivals::new((1, 100));
        let (to, from) = arrivals.ends();
        assert!(to.send(1, 1));
        thread::scope(|scope| {
            let waits = scope.spawn(move || to.send(2, 1));
            drop(from);
            assert!(!waits.join().unwrap());
        });
    }
}
