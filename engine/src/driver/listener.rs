//! Listening sockets: TCP sockets, UNIX sockets and inherited sockets.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, acceptfrom_with, bind, ipproto, listen,
    socket_with, sockopt,
};

use socket2::{SockFilter, SockRef};

use super::socket;
use super::socket_file::SocketFile;
use crate::address::Address;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    /// The file of a UNIX socket. Rust drops fields in this order, so the file is removed before the socket closes. If
    /// the socket closed first, a new server could take the file for that of a dead server.
    file: Option<SocketFile>,
    socket: OwnedFd,
    /// The address on which the socket listens.
    pub local: Address,
    /// Whether another process shares the socket and may continue to accept.
    shared: bool,
    /// Whether a forked child has a copy of the socket but does not accept on it.
    copied: bool,
}

/// The result of accepting a connection.
#[derive(Debug)]
pub enum Accepted {
    /// A new connection and its peer's address.
    Connection(OwnedFd, Address),
    /// No connection is waiting.
    Empty,
    /// The process or the system has no descriptors or no memory left.
    Exhausted,
    /// This connection failed before it was accepted. The next connection may succeed.
    Lost,
    /// The listener can accept no more connections.
    Broken(io::Error),
}

pub(super) const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// A socket filter that drops TCP segments with SYN and without ACK, and accepts all others. The client sends the SYN
/// again after a second. By then the listener is closed, so the kernel refuses the client. The filter is BPF code
/// (`linux/filter.h`). The flags are byte 13 of the TCP header.
const NO_SYN: [SockFilter; 5] = [
    SockFilter::new(0x30, 0, 0, 13),       // ldb [13]
    SockFilter::new(0x54, 0, 0, 0x12),     // and #SYN|ACK
    SockFilter::new(0x15, 1, 0, 0x02),     // jeq #SYN, drop
    SockFilter::new(0x06, 0, 0, u32::MAX), // ret #-1
    SockFilter::new(0x06, 0, 0, 0),        // drop: ret #0
];

impl Listener {
    /// Listens on a host and port. An empty host or `::` means all IPv4 and IPv6 addresses, on one socket.
    pub fn tcp(host: &str, port: u16, backlog: i32, reuse_port: bool) -> io::Result<Self> {
        let wanted = if host.is_empty() { "::" } else { host };
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (wanted, port).to_socket_addrs()? {
            match Self::bind_tcp(address, backlog, reuse_port) {
                // The machine has no IPv6, so listen on IPv4 only.
                Err(error) if host.is_empty() && error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => {
                    return Self::bind_tcp(SocketAddr::from(([0, 0, 0, 0], port)), backlog, reuse_port);
                }
                Err(error) => failure = error,
                listener => return listener,
            }
        }
        Err(failure)
    }

    fn bind_tcp(address: SocketAddr, backlog: i32, reuse_port: bool) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, FLAGS, Some(ipproto::TCP))?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        if reuse_port {
            sockopt::set_socket_reuseport(&socket, true)?;
        }
        if address.is_ipv6() {
            sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
        }
        // Accepted sockets inherit this option.
        sockopt::set_tcp_nodelay(&socket, true)?;
        bind(&socket, &address)?;
        listen(&socket, backlog)?;
        let local = socket::local_address(&socket);
        // With SO_REUSEPORT, other processes may listen on this address. The kernel gives them the new clients as soon
        // as this listener closes.
        Ok(Listener { file: None, socket, local, shared: reuse_port, copied: false })
    }

    /// Listens on a UNIX socket. Replaces a file that a dead server left. Returns an error if a running server uses the
    /// file. A path that begins with a zero byte is a name in Linux's abstract namespace, which has no files and no
    /// permissions.
    pub fn unix(path: &Path, mode: Option<u32>, backlog: i32) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None)?;
        let (file, local) = match path.as_os_str().as_bytes() {
            [0, name @ ..] => {
                if mode.is_some() {
                    let message = "a socket in the abstract namespace has no mode";
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
                }
                bind(&socket, &abstract_address(name)?)?;
                listen(&socket, backlog)?;
                (None, Address::Unix(Some(Arc::new(path.to_path_buf()))))
            }
            _ => (Some(SocketFile::listen(socket.as_fd(), path, mode, backlog)?), socket::local_address(&socket)),
        };
        Ok(Listener { file, socket, local, shared: false, copied: false })
    }

    /// Accepts connections on a socket that another process has bound.
    pub fn inherited(socket: OwnedFd) -> io::Result<Self> {
        if sockopt::socket_type(&socket)? != SocketType::STREAM || !sockopt::socket_acceptconn(&socket)? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the descriptor is not a listening stream socket"));
        }
        rustix::io::ioctl_fionbio(&socket, true)?;
        let local = socket::local_address(&socket);
        if matches!(local, Address::Inet(_)) {
            sockopt::set_tcp_nodelay(&socket, true)?;
        }
        Ok(Listener { file: None, socket, local, shared: true, copied: false })
    }

    /// The listening socket.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether another process may continue to accept when this listener is closed.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Records that another process also accepts on the socket.
    pub fn share(&mut self) {
        self.shared = true;
    }

    /// Records that a forked child has a copy of the socket but does not accept on it.
    pub fn set_copied(&mut self) {
        self.copied = true;
    }

    /// Closes the listener. If no other process accepts on the socket, the address is then free, even if another
    /// process has a copy of the socket.
    pub fn close(mut self) {
        self.file = None;
        if self.copied && !self.shared {
            socket::shut_down(self.socket());
        }
    }

    /// Refuses clients that begin to connect from now on. Clients whose handshake has begun are still accepted. When a
    /// listener closes, the kernel resets the connections in its queue. Without this filter, clients that connect
    /// between the last accept and the close would be reset.
    pub fn refuse_new_clients(&mut self) {
        match self.local {
            // The error is ignored. If the kernel rejects the filter, only clients that connect during the close are
            // reset.
            Address::Inet(_) => drop(SockRef::from(&self.socket).attach_filter(&NO_SYN)),
            _ => self.file = None,
        }
    }

    /// Accepts one connection.
    pub fn accept(&self) -> Accepted {
        match acceptfrom_with(&self.socket, FLAGS) {
            Ok((socket, peer)) => {
                let peer = peer.map_or(Address::Unix(None), |peer: SocketAddrAny| socket::address(peer));
                Accepted::Connection(socket, peer)
            }
            Err(Errno::AGAIN) => Accepted::Empty,
            Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Accepted::Exhausted,
            // Network and firewall errors that concern only this connection (accept(2)).
            Err(
                Errno::CONNABORTED
                | Errno::INTR
                | Errno::PROTO
                | Errno::PERM
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NONET
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP,
            ) => Accepted::Lost,
            Err(error) => Accepted::Broken(error.into()),
        }
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddrUnix> {
    Ok(SocketAddrUnix::new_abstract_name(name)?)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddrUnix> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has an abstract namespace"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;
    use std::time::Duration;

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("ropewalk-{}-{name}", std::process::id()))
    }

    #[test]
    fn tcp_on_a_free_port() {
        let listener = Listener::tcp("127.0.0.1", 0, 16, false).unwrap();
        let Address::Inet(address) = listener.local else { panic!("{:?}", listener.local) };
        assert!(matches!(listener.accept(), Accepted::Empty));
        let client = TcpStream::connect(address).unwrap();
        let Accepted::Connection(_, peer) = listener.accept() else { panic!("no client") };
        assert_eq!(Address::Inet(client.local_addr().unwrap()), peer);
    }

    #[test]
    fn after_new_clients_are_refused_earlier_ones_are_accepted() {
        let mut listener = Listener::tcp("127.0.0.1", 0, 16, false).unwrap();
        let Address::Inet(address) = listener.local else { panic!("{:?}", listener.local) };
        let client = TcpStream::connect(address).unwrap();
        listener.refuse_new_clients();
        let late = TcpStream::connect_timeout(&address, Duration::from_millis(50));
        assert_eq!(io::ErrorKind::TimedOut, late.unwrap_err().kind());
        let Accepted::Connection(socket, _) = listener.accept() else { panic!("no client") };
        rustix::io::write(&client, b"hello").unwrap();
        assert_eq!(5, rustix::io::read(&socket, &mut [0; 16]).unwrap());
        assert!(matches!(listener.accept(), Accepted::Empty));
    }

    #[test]
    fn a_copy_that_does_not_accept_ends_with_the_listener() {
        let mut listener = Listener::tcp("127.0.0.1", 0, 16, false).unwrap();
        let Address::Inet(address) = listener.local else { panic!("{:?}", listener.local) };
        let _copy = listener.socket().try_clone_to_owned().unwrap();
        listener.set_copied();
        listener.close();
        assert_eq!(io::ErrorKind::ConnectionRefused, TcpStream::connect(address).unwrap_err().kind());
    }

    #[test]
    fn a_copy_that_accepts_outlives_the_listener() {
        let mut listener = Listener::tcp("127.0.0.1", 0, 16, false).unwrap();
        let Address::Inet(address) = listener.local else { panic!("{:?}", listener.local) };
        let copy = Listener::inherited(listener.socket().try_clone_to_owned().unwrap()).unwrap();
        listener.share();
        listener.set_copied();
        listener.close();
        let _client = TcpStream::connect(address).unwrap();
        assert!(matches!(copy.accept(), Accepted::Connection(..)));
    }

    #[test]
    fn a_stale_unix_socket_is_replaced_and_a_live_one_is_not() {
        let path = scratch("stale");
        drop(UnixListener::bind(&path).unwrap());
        let listener = Listener::unix(&path, Some(0o600), 16).unwrap();
        let mode = std::fs::metadata(&path).unwrap();
        assert_eq!(0o600, std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777);
        assert_eq!(io::ErrorKind::AddrInUse, Listener::unix(&path, None, 16).unwrap_err().kind());
        let _client = UnixStream::connect(&path).unwrap();
        assert!(matches!(listener.accept(), Accepted::Connection(_, Address::Unix(_))));
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_plain_file_is_left_alone() {
        let path = scratch("plain");
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(io::ErrorKind::AlreadyExists, Listener::unix(&path, None, 16).unwrap_err().kind());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_abstract_name_creates_no_file() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("ropewalk-{}", std::process::id());
        let path = PathBuf::from(format!("\0{name}"));
        let listener = Listener::unix(&path, None, 16).unwrap();
        assert_eq!(Address::Unix(Some(Arc::new(path.clone()))), listener.local);
        assert_eq!(format!("@{name}"), listener.local.to_string());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let _client = UnixStream::connect_addr(&address).unwrap();
        assert!(matches!(listener.accept(), Accepted::Connection(_, Address::Unix(_))));
        assert_eq!(io::ErrorKind::AddrInUse, Listener::unix(&path, None, 16).unwrap_err().kind());
        drop(listener);
        assert_eq!(io::ErrorKind::InvalidInput, Listener::unix(&path, Some(0o600), 16).unwrap_err().kind());
    }

    #[test]
    fn an_inherited_descriptor_must_listen() {
        let (one, _two) = UnixStream::pair().unwrap();
        assert_eq!(io::ErrorKind::InvalidInput, Listener::inherited(one.into()).unwrap_err().kind());
        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        assert_eq!(Address::Inet(address), Listener::inherited(bound.into()).unwrap().local);
    }
}
