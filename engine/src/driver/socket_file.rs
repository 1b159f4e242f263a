//! The file of a UNIX socket. The listener that creates the file also removes it, and it replaces a file that a dead
//! server left.
//!
//! By the time the listener closes, the path may lead to another file. The file may be removed, or replaced by another
//! server's socket or by a symbolic link, and the working directory may change. So the file is identified by its device
//! and inode. The kernel does not reuse the inode number while the socket is open.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, listen, socket_with};
use rustix::process::{Pid, getpid, test_kill_process};

use super::listener::FLAGS;

/// While another process holds the lock of the folder, a starting server tries to take the lock this many times, once
/// per millisecond.
const LOCK_ATTEMPTS: u32 = 100;

/// The file to which a listening socket is bound. When this value is dropped, the file is removed, unless another file
/// has replaced it.
#[derive(Debug)]
pub struct SocketFile {
    /// The absolute path. Its folder contains no symbolic links.
    path: PathBuf,
    identity: Identity,
    /// The process that created the file. A forked child has a copy of the listener. When the child closes its copy,
    /// the file must stay, unless the process that created it has exited.
    process: Pid,
}

/// The device and inode of a file.
type Identity = (u64, u64);

impl SocketFile {
    /// Binds a socket and listens on it. Replaces the file of a dead server. Returns an error if a running server uses
    /// the file, or if the file is not a socket. The file never has more permissions than `mode`.
    pub fn listen(socket: BorrowedFd<'_>, path: &Path, mode: Option<u32>, backlog: i32) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let (folder, name) = split(path)?;
        // The lock is held until the socket listens, because a socket that is bound but does not listen yet looks like
        // the socket of a dead server.
        let _lock = lock(&folder, LOCK_ATTEMPTS);
        remove_stale(path, &address)?;
        if let Some(mode) = mode {
            // The result is ignored. Linux gives the file the permissions of its socket, minus the umask. Other systems
            // refuse this call.
            let _ = rustix::fs::fchmod(socket, Mode::from_raw_mode(mode));
        }
        bind(socket, &address)?;
        let path = folder.join(name);
        let identity = identity(&path)?.ok_or(Errno::ADDRINUSE)?;
        let file = SocketFile { path, identity, process: getpid() };
        if let Some(mode) = mode {
            file.set_mode(mode)?;
        }
        listen(socket, backlog)?;
        Ok(file)
    }

    /// Sets the permissions that the umask has removed from the file.
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        if std::fs::symlink_metadata(&self.path)?.mode() & 0o7777 == mode {
            return Ok(());
        }
        // The file is opened first, and chmod(2) changes it through /proc, so that a symbolic link at the path is not
        // followed.
        let file = rustix::fs::open(&self.path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let file = File::from(file);
        let metadata = file.metadata()?;
        if (metadata.dev(), metadata.ino()) != self.identity {
            return Err(Errno::ADDRINUSE.into());
        }
        let opened = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let permissions = std::fs::Permissions::from_mode(mode);
        match std::fs::set_permissions(opened, permissions.clone()) {
            // Without /proc, change the permissions by path.
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::set_permissions(&self.path, permissions),
            done => done,
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = self.process == getpid() || test_kill_process(self.process) == Err(Errno::SRCH);
        if ours && identity(&self.path).is_ok_and(|it| it == Some(self.identity)) {
            // The error is ignored, because another process may have removed the file.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Returns the absolute path of the folder, without symbolic links, and the file name.
fn split(path: &Path) -> io::Result<(PathBuf, &std::ffi::OsStr)> {
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((std::fs::canonicalize(parent)?, name))
}

/// Locks a folder, so that only one server at a time looks for a stale file in it and binds its own socket. Without the
/// lock, one server could remove the other's new socket, either because a socket that is bound but does not listen yet
/// looks stale, or because both servers have found the same stale file. The lock cannot be taken if the folder is not
/// readable, the file system has no locks, or another process holds the lock too long. The server starts anyway.
fn lock(folder: &Path, attempts: u32) -> Option<File> {
    let folder = File::open(folder).ok()?;
    for _ in 0..attempts {
        match flock(folder.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Some(folder),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(1)),
            Err(_) => return None,
        }
    }
    None
}

/// Returns the identity of the socket file at a path. Returns None if there is no file, or if it is not a socket.
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.file_type().is_socket().then(|| (metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove_stale(path: &Path, address: &SocketAddrUnix) -> io::Result<()> {
    let Some(found) = identity(path)? else {
        return match std::fs::symlink_metadata(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is not a socket")),
            Err(_) => Ok(()),
        };
    };
    let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None)?;
    match connect(&probe, address) {
        // Remove only the file that was probed, not a file that has replaced it meanwhile.
        Err(Errno::CONNREFUSED) if identity(path)? == Some(found) => std::fs::remove_file(path),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(()),
        // A running server uses the file: it listens, its queue is full, or the file is a datagram socket.
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS | Errno::PROTOTYPE) => Err(Errno::ADDRINUSE.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    /// A temporary folder, removed when this value is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ropewalk-{}-{name}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn socket() -> std::os::fd::OwnedFd {
        socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None).unwrap()
    }

    fn bound(path: &Path) -> (std::os::fd::OwnedFd, SocketFile) {
        let socket = socket();
        let file = SocketFile::listen(socket.as_fd(), path, None, 16).unwrap();
        (socket, file)
    }

    #[test]
    fn a_file_that_replaced_it_is_not_removed() {
        let folder = Folder::new("successor");
        let path = folder.0.join("socket");
        let (_socket, file) = bound(&path);
        std::fs::remove_file(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        drop(file);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_forked_copy_removes_the_file_only_if_its_creator_is_gone() {
        let folder = Folder::new("creator");
        let (path, other) = (folder.0.join("socket"), folder.0.join("other"));
        let (_socket, mut file) = bound(&path);
        file.process = rustix::process::getppid().unwrap();
        drop(file);
        assert!(path.exists());

        let (_socket, mut file) = bound(&other);
        let mut creator = std::process::Command::new("true").spawn().unwrap();
        file.process = Pid::from_child(&creator);
        creator.wait().unwrap();
        drop(file);
        assert!(!other.exists());
    }

    #[test]
    fn a_symbolic_link_that_replaced_it_is_not_removed() {
        let folder = Folder::new("link");
        let (path, moved) = (folder.0.join("socket"), folder.0.join("moved"));
        let (_socket, file) = bound(&path);
        std::fs::rename(&path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &path).unwrap();
        drop(file);
        assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
        assert!(moved.exists());
    }

    #[test]
    fn the_file_is_removed_even_if_a_link_in_its_path_leads_elsewhere_by_then() {
        let folder = Folder::new("current");
        let (one, two, current) = (folder.0.join("one"), folder.0.join("two"), folder.0.join("current"));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&two).unwrap();
        std::os::unix::fs::symlink(&one, &current).unwrap();
        let (_socket, file) = bound(&current.join("socket"));
        std::fs::remove_file(&current).unwrap();
        std::os::unix::fs::symlink(&two, &current).unwrap();
        let _successor = UnixListener::bind(current.join("socket")).unwrap();
        drop(file);
        assert!(!one.join("socket").exists());
        assert!(two.join("socket").exists());
    }

    #[test]
    fn a_link_to_a_stale_socket_is_not_replaced() {
        let folder = Folder::new("stale-link");
        let (path, stale) = (folder.0.join("socket"), folder.0.join("stale"));
        drop(UnixListener::bind(&stale).unwrap());
        std::os::unix::fs::symlink(&stale, &path).unwrap();
        let error = SocketFile::listen(socket().as_fd(), &path, None, 16).unwrap_err();
        assert_eq!(io::ErrorKind::AlreadyExists, error.kind());
        assert!(stale.exists());
    }

    #[test]
    fn a_live_socket_with_a_full_queue_or_of_datagrams_is_not_replaced() {
        let folder = Folder::new("live");
        let path = folder.0.join("full");
        let (listening, _file) = bound(&path);
        listen(&listening, 0).unwrap();
        let address = SocketAddrUnix::new(&path).unwrap();
        let mut clients = Vec::new();
        loop {
            let client = socket();
            let connected = connect(&client, &address);
            clients.push(client);
            if connected.is_err() {
                break;
            }
        }
        let error = SocketFile::listen(socket().as_fd(), &path, None, 16).unwrap_err();
        assert_eq!(io::ErrorKind::AddrInUse, error.kind());
        let path = folder.0.join("datagrams");
        let _datagrams = UnixDatagram::bind(&path).unwrap();
        let error = SocketFile::listen(socket().as_fd(), &path, None, 16).unwrap_err();
        assert_eq!(io::ErrorKind::AddrInUse, error.kind());
    }

    #[test]
    fn one_start_at_a_time_holds_the_lock_of_a_folder() {
        let folder = Folder::new("lock");
        let first = lock(&folder.0, 1);
        assert!(first.is_some());
        assert!(lock(&folder.0, 2).is_none());
        drop(first);
        assert!(lock(&folder.0, 1).is_some());
    }

    #[test]
    fn the_file_never_has_more_permissions_than_requested() {
        let folder = Folder::new("mode");
        let path = folder.0.join("socket");
        let socket = socket();
        rustix::fs::fchmod(&socket, Mode::from_raw_mode(0o600)).unwrap();
        bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        assert_eq!(0, std::fs::symlink_metadata(&path).unwrap().mode() & 0o177);
        std::fs::remove_file(&path).unwrap();
        let file = SocketFile::listen(self::socket().as_fd(), &path, Some(0o777), 16).unwrap();
        assert_eq!(0o777, std::fs::symlink_metadata(&path).unwrap().mode() & 0o7777);
        drop(file);
    }

    #[test]
    fn a_file_that_replaced_it_gets_no_permissions() {
        let folder = Folder::new("mode-link");
        let (path, precious) = (folder.0.join("socket"), folder.0.join("precious"));
        let (_socket, file) = bound(&path);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&precious, "").unwrap();
        std::fs::set_permissions(&precious, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&precious, &path).unwrap();
        file.set_mode(0o666).unwrap_err();
        assert_eq!(0o600, std::fs::metadata(&precious).unwrap().mode() & 0o7777);
    }
}
