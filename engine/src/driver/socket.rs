//! Stream sockets: addresses and the two calls that a connection makes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketType, getpeername, getsockname, recv,
    shutdown, sockopt,
};

use crate::exchange::Peer;

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Blocked,
    /// The peer has closed its side.
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

/// Sends the end of our side; a socket that is gone already is no error.
pub fn shut_down_writing(socket: BorrowedFd<'_>) {
    let _ = shutdown(socket, Shutdown::Write);
}

/// Takes an open descriptor into use: it must be a connected stream socket. Returns its two addresses.
pub fn prepare(socket: BorrowedFd<'_>) -> io::Result<(Peer, Peer)> {
    if sockopt::socket_type(socket)? != SocketType::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the descriptor is not a stream socket"));
    }
    rustix::io::ioctl_fionbio(socket, true)?;
    let peer = getpeername(socket)?.map_or(Peer::Unix(None), address);
    let ours = address(getsockname(socket)?);
    if matches!(ours, Peer::Inet(_)) {
        sockopt::set_tcp_nodelay(socket, true)?;
    }
    Ok((peer, ours))
}

/// The address that a socket is bound to.
pub fn local_address(socket: impl AsFd) -> Peer {
    getsockname(socket).map_or(Peer::Unknown, address)
}

/// An address of the kernel in our words.
pub fn address(any: impl Into<SocketAddrAny>) -> Peer {
    let any = any.into();
    if any.address_family() == AddressFamily::UNIX {
        let path = SocketAddrUnix::try_from(any).ok().and_then(|unix| {
            let path = unix.path()?.into_owned();
            Some(Arc::new(PathBuf::from(std::ffi::OsStr::from_bytes(path.as_bytes()))))
        });
        return Peer::Unix(path);
    }
    std::net::SocketAddr::try_from(any).map_or(Peer::Unknown, Peer::Inet)
}
