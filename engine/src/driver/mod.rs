//! How the engine meets the operating system: readiness, sockets and time. See `README.md` in this folder.

pub mod epoll;
pub mod listener;
pub mod socket;
mod socket_file;
pub mod wheel;

use std::io;
use std::os::fd::BorrowedFd;

pub use epoll::Epoll;

/// Names a watched descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// How a descriptor is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// A connection: both directions and the peer's end, told once a change (edge-triggered).
    Stream,
    /// A listening socket: told as long as a connection waits (level-triggered).
    Accept,
}

/// What became of a watched descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Which one.
    pub token: Token,
    /// There is something to read, an end of stream included.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// The peer has closed its side, or the socket is broken.
    pub hung_up: bool,
    /// The socket is broken, or closed in both directions: the peer takes nothing any more.
    pub broken: bool,
}

/// Readiness behind one descriptor that can itself be watched. epoll today; kqueue is the same shape, and io_uring can
/// take it on with poll requests.
pub trait Driver: Sized {
    /// A driver that watches nothing.
    fn open() -> io::Result<Self>;
    /// In a forked child: watches nothing, behind the same descriptor number, and leaves to the parent what it watches.
    /// After an error the driver must not be used.
    fn reopen(&mut self) -> io::Result<()>;
    /// The descriptor that is readable while something waits for [`Driver::poll`].
    fn descriptor(&self) -> BorrowedFd<'_>;
    /// Starts to watch.
    fn watch(&mut self, fd: BorrowedFd<'_>, token: Token, watch: Watch) -> io::Result<()>;
    /// Stops to watch; needed only for a descriptor that stays open.
    fn forget(&mut self, fd: BorrowedFd<'_>) -> io::Result<()>;
    /// What is ready now. Never waits.
    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()>;
    /// Makes the descriptor readable until the next [`Driver::poll`].
    fn wake(&mut self) -> io::Result<()>;
}
