//! The way in to the centre's thread: a bounded channel for the edges that run elsewhere, and the UDP socket, which the thread
//! empties itself. While a batch is decided and committed, datagrams gather in the kernel and inputs in the channel; the next
//! batch takes them all, so that wake-ups, system calls and the commit are shared by as many as have come.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::engine::Input;
use crate::net::udp;

/// Most inputs of each source in one batch: the commit's cost is shared by as many, and nobody waits for more.
pub const BATCH_MAX: usize = 256;

/// The way in to the centre. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    sender: Sender<Option<Input>>,
    waiting: Arc<AtomicUsize>,
    capacity: usize,
    bell: Arc<Bell>,
}

/// The inbox is full; the input comes back, to be refused with 503 or 429.
#[derive(Debug)]
pub struct Full(pub Box<Input>);

impl Inbox {
    /// Hands over an input, unless too many wait already.
    ///
    /// # Errors
    /// [`Full`], with the input.
    pub fn try_send(&self, input: Input) -> Result<(), Full> {
        if self.waiting.load(Ordering::Relaxed) >= self.capacity {
            return Err(Full(Box::new(input)));
        }
        self.push(Some(input));
        Ok(())
    }

    /// Hands over an input that must not be lost and of which there are never many: a closed connection, the end of a
    /// webhook call.
    pub fn send(&self, input: Input) {
        self.push(Some(input));
    }

    /// Asks the centre to finish what it has and end.
    pub fn stop(&self) {
        self.push(None);
    }

    fn push(&self, input: Option<Input>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // The receiver is only gone when the process ends.
        let _ = self.sender.send(input);
        self.bell.ring();
    }
}

/// An inbox and its other end.
///
/// # Errors
/// If the system gives no event descriptor.
pub fn inbox(capacity: usize) -> io::Result<(Inbox, Outlet)> {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let waiting = Arc::new(AtomicUsize::new(0));
    let bell = Arc::new(Bell::new()?);
    Ok((
        Inbox { sender, waiting: waiting.clone(), capacity, bell: bell.clone() },
        Outlet { receiver, waiting, bell, udp: None, is_stopping: false },
    ))
}

/// The inbox's other end.
pub struct Outlet {
    receiver: Receiver<Option<Input>>,
    waiting: Arc<AtomicUsize>,
    bell: Arc<Bell>,
    udp: Option<udp::Receiver>,
    is_stopping: bool,
}

impl Outlet {
    /// From now on datagrams come in too.
    pub fn attach_udp(&mut self, udp: udp::Receiver) {
        self.udp = Some(udp);
    }

    /// Takes what is there, at most [`BATCH_MAX`] of each source; if that is nothing, waits for something, at most for `patience`.
    pub fn take(&mut self, patience: Duration, batch: &mut Vec<Input>) {
        self.take_waiting(batch);
        if batch.is_empty() && !self.is_stopping && !patience.is_zero() {
            self.sleep(patience);
            self.take_waiting(batch);
        }
    }

    /// Whether the centre was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// How many inputs wait in the channel.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn take_waiting(&mut self, batch: &mut Vec<Input>) {
        let mut taken = 0;
        for input in self.receiver.try_iter().take(BATCH_MAX) {
            taken += 1;
            match input {
                Some(input) => batch.push(input),
                None => self.is_stopping = true,
            }
        }
        self.waiting.fetch_sub(taken, Ordering::Relaxed);
        if let Some(udp) = &mut self.udp {
            udp.receive(BATCH_MAX, batch);
        }
    }

    /// Until something comes.
    fn sleep(&mut self, patience: Duration) {
        self.bell.about_to_sleep();
        if self.receiver.is_empty() {
            let bell = PollFd::new(self.bell.event.as_fd(), PollFlags::POLLIN);
            // Rounded up: a timer that is due in less than a millisecond is not asked for over and over.
            let patience =
                PollTimeout::try_from(patience + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX);
            // An interrupted wait is a short one.
            let _ = match &self.udp {
                Some(udp) => poll(&mut [bell, PollFd::new(udp.as_fd(), PollFlags::POLLIN)], patience),
                None => poll(&mut [bell], patience),
            };
        }
        self.bell.awake();
    }
}

/// Wakes the centre's thread, and costs next to nothing while it is awake.
struct Bell {
    event: EventFd,
    is_asleep: AtomicBool,
}

impl Bell {
    fn new() -> io::Result<Self> {
        let event = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self { event, is_asleep: AtomicBool::new(false) })
    }

    /// To be called after something was put into the channel. The fences make sure that either we see that the thread is
    /// about to sleep, or it sees what was put in.
    fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::Relaxed) && self.is_asleep.swap(false, Ordering::Relaxed) {
            // Its counter would have to be full to refuse, and then the thread is awake.
            let _ = self.event.write(1);
        }
    }

    fn about_to_sleep(&self) {
        self.is_asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    fn awake(&self) {
        if !self.is_asleep.swap(false, Ordering::Relaxed) {
            // Whoever rang has written or is about to; what it writes late only makes the next sleep a short one.
            let _ = self.event.read();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use sip::{Flow, Transport};

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn closed() -> Input {
        let peer = "192.0.2.1:5060".parse().expect("an address");
        Input::FlowClosed(Flow { transport: Transport::Tcp, id: 1, peer })
    }

    #[test]
    fn a_sleeper_wakes_for_what_comes_from_other_threads() {
        let (inbox, mut outlet) = inbox(1000).unwrap();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let inbox = inbox.clone();
                std::thread::spawn(move || (0..200).for_each(|_| inbox.try_send(closed()).unwrap()))
            })
            .collect();
        let mut batch = Vec::new();
        let mut taken = 0;
        let begun = Instant::now();
        while taken < 800 {
            outlet.take(LONG, &mut batch);
            taken += batch.drain(..).len();
        }
        // A lost wake-up would have cost the whole patience.
        assert!(begun.elapsed() < LONG);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!((taken, outlet.waiting()), (800, 0));
        inbox.stop();
        outlet.take(LONG, &mut batch);
        assert!(outlet.is_stopping());
    }

    #[test]
    fn a_full_inbox_gives_the_input_back() {
        let (inbox, mut outlet) = inbox(2).unwrap();
        inbox.try_send(closed()).unwrap();
        inbox.try_send(closed()).unwrap();
        assert!(inbox.try_send(closed()).is_err());
        // What must not be lost gets in all the same.
        inbox.send(closed());
        let mut batch = Vec::new();
        outlet.take(Duration::ZERO, &mut batch);
        assert_eq!(batch.len(), 3);
        inbox.try_send(closed()).unwrap();
    }
}
