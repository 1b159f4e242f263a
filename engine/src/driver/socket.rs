//! Stream sockets: their addresses, their options, and reading from them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketType, getpeername, getsockname, recv,
    shutdown, sockopt,
};

use crate::address::Address;

/// The result of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The read returned this many bytes.
    Bytes(usize),
    /// No bytes are available now.
    Blocked,
    /// The peer has closed its sending side, and all its bytes were read.
    End,
    /// The connection is broken.
    Broken,
}

/// Reads once, without waiting.
pub fn read(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Read {
    loop {
        return match recv(socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => Read::End,
            Ok((count, _)) => Read::Bytes(count),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Read::Blocked,
            Err(_) => Read::Broken,
        };
    }
}

/// Shuts down the server's sending side. If the socket is closed already, this is not an error.
pub fn shut_down_writing(socket: BorrowedFd<'_>) {
    let _ = shutdown(socket, Shutdown::Write);
}

/// Shuts down a listening socket for every process that shares it. On systems that do not support this, the caller's
/// close affects only this process.
pub fn shut_down(socket: BorrowedFd<'_>) {
    let _ = shutdown(socket, Shutdown::Both);
}

/// Makes a stream socket non-blocking and sets its options. Returns the peer's address and the server's address.
/// Returns an error if the descriptor is not a stream socket.
pub fn prepare(socket: BorrowedFd<'_>) -> io::Result<(Address, Address)> {
    if sockopt::socket_type(socket)? != SocketType::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the descriptor is not a stream socket"));
    }
    rustix::io::ioctl_fionbio(socket, true)?;
    let peer = getpeername(socket)?.map_or(Address::Unix(None), address);
    let ours = address(getsockname(socket)?);
    if matches!(ours, Address::Inet(_)) {
        sockopt::set_tcp_nodelay(socket, true)?;
    }
    Ok((peer, ours))
}

/// Limits how much the kernel buffers for a client that does not read. Accepted sockets inherit the limits of their
/// listener.
///
/// Without these limits, the kernel would accept megabytes of a response, the engine's queue would be empty, and the
/// engine could not detect that the client reads nothing. `unsent` limits the bytes that the kernel holds in addition
/// to those in flight. After `stall` milliseconds without an acknowledgement (0: never), the kernel closes the
/// connection, even if the server has already closed the socket (`TCP_USER_TIMEOUT`, RFC 5482).
pub fn bound_sending(socket: BorrowedFd<'_>, unsent: u64, stall: u64) {
    let socket = socket2::SockRef::from(&socket);
    // The results are ignored. A kernel without these options uses its own limits.
    let _ = socket.set_tcp_notsent_lowat(unsent.clamp(1, u64::from(u32::MAX)) as u32);
    // The option is set even if `stall` is 0, because an inherited listener may still have the value of its previous
    // owner.
    let _ = socket.set_tcp_user_timeout((stall > 0).then(|| Duration::from_millis(stall)));
}

/// Sets the socket so that a later close(2) drops the bytes that the kernel still buffers, and resets the connection.
pub fn drop_unsent(socket: BorrowedFd<'_>) {
    // The error is ignored. The descriptor is a socket, so the call fails only if the connection is already gone.
    let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

/// Returns the pending error of a socket, or None. The kernel reports each error only once.
pub fn take_error(socket: BorrowedFd<'_>) -> Option<Errno> {
    sockopt::socket_error(socket).ok().and_then(Result::err)
}

/// The address to which a socket is bound.
pub fn local_address(socket: impl AsFd) -> Address {
    getsockname(socket).map_or(Address::Unknown, address)
}

/// Converts an address that the kernel returned.
pub fn address(any: impl Into<SocketAddrAny>) -> Address {
    let any = any.into();
    if any.address_family() == AddressFamily::UNIX {
        let path = SocketAddrUnix::try_from(any).ok().and_then(|unix| {
            let path = unix.path()?.into_owned();
            Some(Arc::new(PathBuf::from(std::ffi::OsStr::from_bytes(path.as_bytes()))))
        });
        return Address::Unix(path);
    }
    std::net::SocketAddr::try_from(any).map_or(Address::Unknown, Address::Inet)
}
