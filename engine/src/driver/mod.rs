//! The engine's interface to the operating system: readiness, sockets and timers. See `README.md` in this folder.

mod beneath;
pub mod epoll;
pub mod listener;
pub mod socket;
mod socket_file;
pub mod wheel;

use std::io;
use std::os::fd::BorrowedFd;

pub use beneath::open_beneath;
pub use epoll::Epoll;

/// The number that identifies a watched descriptor in the driver's reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// The events for which a descriptor is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// A connection. The driver reports once per change (edge-triggered) that it is readable, is writable or was closed
    /// by the peer.
    Stream,
    /// A listening socket. The driver reports it as long as a connection waits (level-triggered).
    Accept,
}

/// The readiness of a watched descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The token with which the descriptor is watched.
    pub token: Token,
    /// Whether a read would return bytes or the end of the stream.
    pub readable: bool,
    /// Whether the socket has space for more bytes.
    pub writable: bool,
    /// Whether the peer has closed its sending side, or the socket is broken.
    pub hung_up: bool,
    /// Whether the socket is broken or closed in both directions, so that the peer receives nothing more.
    pub broken: bool,
}

/// Reports the readiness of many descriptors through one descriptor that another event loop can watch. The engine
/// implements it with epoll. kqueue or the poll requests of io_uring would be possible too.
pub trait Driver: Sized {
    /// Opens a driver that watches nothing.
    fn open() -> io::Result<Self>;
    /// In a forked child, opens a new driver with the same descriptor number. The new driver watches nothing, and the
    /// parent's registrations are not changed. After an error, the driver must not be used.
    fn reopen(&mut self) -> io::Result<()>;
    /// The descriptor that is readable while [`Driver::poll`] has events to report.
    fn descriptor(&self) -> BorrowedFd<'_>;
    /// Starts to watch a descriptor.
    fn watch(&mut self, fd: BorrowedFd<'_>, token: Token, watch: Watch) -> io::Result<()>;
    /// Stops watching a descriptor. This is necessary only if the descriptor stays open.
    fn forget(&mut self, fd: BorrowedFd<'_>) -> io::Result<()>;
    /// Appends the descriptors that are ready now to `ready`. Never waits.
    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()>;
    /// Makes the driver's descriptor readable until the next [`Driver::poll`].
    fn wake(&mut self) -> io::Result<()>;
}
