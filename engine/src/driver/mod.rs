//! The engine's interface to the operating system: readiness, sockets and timers. See `README.md` in this folder.

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
    /// A connection: readable, writable and closed by the peer, each reported once per change (edge-triggered).
    Stream,
    /// A listening socket: reported while a connection waits (level-triggered).
    Accept,
}

/// The readiness of a watched descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The name of the descriptor.
    pub token: Token,
    /// A read would return bytes or the end of the stream.
    pub readable: bool,
    /// The socket has room for bytes.
    pub writable: bool,
    /// The peer has closed its side, or the socket is broken.
    pub hung_up: bool,
    /// The socket is broken, or closed in both directions: the peer receives nothing more.
    pub broken: bool,
}

/// Reports the readiness of many descriptors through one descriptor that can itself be watched. It is implemented with
/// epoll; It could also be implemented with kqueue, or with the poll requests of io_uring.
pub trait Driver: Sized {
    /// Opens a driver that watches nothing.
    fn open() -> io::Result<Self>;
    /// In a forked child: opens a new driver under the same descriptor number, which watches nothing and leaves the
    /// parent's registrations alone. After an error the driver must not be used.
    fn reopen(&mut self) -> io::Result<()>;
    /// The descriptor that is readable while [`Driver::poll`] has something to report.
    fn descriptor(&self) -> BorrowedFd<'_>;
    /// Starts to watch a descriptor.
    fn watch(&mut self, fd: BorrowedFd<'_>, token: Token, watch: Watch) -> io::Result<()>;
    /// Stops watching a descriptor. Only needed for a descriptor that stays open.
    fn forget(&mut self, fd: BorrowedFd<'_>) -> io::Result<()>;
    /// Appends the events that are ready now. Never waits.
    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()>;
    /// Makes the descriptor readable until the next [`Driver::poll`].
    fn wake(&mut self) -> io::Result<()>;
}
