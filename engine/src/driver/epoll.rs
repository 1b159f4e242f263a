//! The driver for Linux. Its epoll descriptor is registered with the reactor's own epoll descriptor.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{DupFlags, dup3};

use super::{Driver, Ready, Token, Watch};

/// The maximum number of events that one call of epoll_wait(2) returns.
const BATCH: usize = 256;
/// The epoll token of the eventfd with which the engine wakes itself.
const WAKE: u64 = u64::MAX;

/// An epoll descriptor, and an eventfd registered with it.
#[derive(Debug)]
pub struct Epoll {
    epoll: OwnedFd,
    wake: OwnedFd,
    awake: bool,
}

impl Driver for Epoll {
    fn open() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        Ok(Epoll { epoll, wake, awake: false })
    }

    fn reopen(&mut self) -> io::Result<()> {
        // All processes that share an epoll descriptor also share its registrations. So a forked child only closes the
        // inherited descriptor, and removes nothing from it. The new descriptor gets the old number, because the
        // reactor has registered that number.
        dup3(epoll::create(CreateFlags::CLOEXEC)?, &mut self.epoll, DupFlags::CLOEXEC)?;
        dup3(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?, &mut self.wake, DupFlags::CLOEXEC)?;
        epoll::add(&self.epoll, &self.wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        self.awake = false;
        Ok(())
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn watch(&mut self, fd: BorrowedFd<'_>, token: Token, watch: Watch) -> io::Result<()> {
        let flags = match watch {
            Watch::Stream => EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET,
            Watch::Accept => EventFlags::IN,
        };
        Ok(epoll::add(&self.epoll, fd, EventData::new_u64(token.0), flags)?)
    }

    fn forget(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        let mut events = [const { MaybeUninit::<Event>::uninit() }; BATCH];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let (events, _) = match epoll::wait(&self.epoll, &mut events, Some(&now)) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            outcome => outcome?,
        };
        for event in events.iter() {
            let flags = event.flags;
            if event.data.u64() == WAKE {
                rustix::io::read(&self.wake, &mut [0; 8])?;
                self.awake = false;
                continue;
            }
            let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
            ready.push(Ready {
                token: Token(event.data.u64()),
                readable: broken || flags.intersects(EventFlags::IN | EventFlags::RDHUP),
                writable: broken || flags.contains(EventFlags::OUT),
                hung_up: broken || flags.contains(EventFlags::RDHUP),
                broken,
            });
        }
        Ok(())
    }

    fn wake(&mut self) -> io::Result<()> {
        if !self.awake {
            rustix::io::write(&self.wake, &1u64.to_ne_bytes())?;
            self.awake = true;
        }
        Ok(())
    }
}

/// Checks nested epoll descriptors: the outer one must report the inner one as readable exactly while the inner one has
/// events.
pub fn self_test() -> io::Result<()> {
    let mut driver = Epoll::open()?;
    let nested = |driver: &Epoll| -> io::Result<bool> {
        let outer = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&outer, driver.descriptor(), EventData::new_u64(0), EventFlags::IN)?;
        let mut polled = [PollFd::new(&outer, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        Ok(poll(&mut polled, Some(&now))? == 1)
    };
    let starts_quiet = !nested(&driver)?;
    driver.wake()?;
    let wakes = nested(&driver)?;
    driver.poll(&mut Vec::new())?;
    let ends_quiet = !nested(&driver)?;
    if starts_quiet && wakes && ends_quiet {
        Ok(())
    } else {
        Err(io::Error::other("an epoll descriptor inside another one does not report its events on this system"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_nested_descriptor_is_readable_while_it_has_events() {
        self_test().unwrap();
    }

    #[test]
    fn a_reopened_driver_keeps_the_registrations_of_the_other_process() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut driver = Epoll::open().unwrap();
        // Duplicates of the same epoll descriptor and eventfd, as a process has them after fork(2).
        let mut parent =
            Epoll { epoll: driver.epoll.try_clone().unwrap(), wake: driver.wake.try_clone().unwrap(), awake: false };
        parent.watch(ours.as_fd(), Token(7), Watch::Stream).unwrap();
        parent.wake().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&driver.descriptor());

        driver.reopen().unwrap();
        assert_eq!(number, std::os::fd::AsRawFd::as_raw_fd(&driver.descriptor()));
        let flags = rustix::io::fcntl_getfd(driver.descriptor()).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        let mut ready = Vec::new();
        driver.poll(&mut ready).unwrap();
        assert!(ready.is_empty());
        driver.wake().unwrap();
        driver.poll(&mut ready).unwrap();
        assert!(ready.is_empty());
        parent.poll(&mut ready).unwrap();
        assert_eq!(vec![Token(7)], ready.iter().map(|ready| ready.token).collect::<Vec<_>>());
        assert!(!parent.awake, "the wakeup of the parent is still pending");
    }

    #[test]
    fn a_half_closed_stream_is_not_broken_and_is_reported_once() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut driver = Epoll::open().unwrap();
        driver.watch(ours.as_fd(), Token(7), Watch::Stream).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let mut ready = Vec::new();
        driver.poll(&mut ready).unwrap();
        let expected = Ready { token: Token(7), readable: true, writable: true, hung_up: true, broken: false };
        assert_eq!(vec![expected], std::mem::take(&mut ready));
        driver.poll(&mut ready).unwrap();
        assert!(ready.is_empty());
    }

    #[test]
    fn a_stream_is_reported_once_for_each_change() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut driver = Epoll::open().unwrap();
        driver.watch(ours.as_fd(), Token(7), Watch::Stream).unwrap();
        let mut ready = Vec::new();
        driver.poll(&mut ready).unwrap();
        let expected = Ready { token: Token(7), readable: false, writable: true, hung_up: false, broken: false };
        assert_eq!(vec![expected], std::mem::take(&mut ready));
        driver.poll(&mut ready).unwrap();
        assert!(ready.is_empty());
        drop(theirs);
        driver.poll(&mut ready).unwrap();
        assert!(ready[0].hung_up && ready[0].readable && ready[0].broken);
    }
}
