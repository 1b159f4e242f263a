//! Opens a file below a folder, so that neither the path nor a concurrent change of a folder leads out of it.
//!
//! openat2(2) resolves the whole path in one system call. Where it is missing (Linux before 5.6, some seccomp filters),
//! each folder on the path is opened separately. In both cases, a symbolic link below the folder is an error (ELOOP).

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// Never waits for a writer of a FIFO, and never makes a terminal the controlling one.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How often openat2 is repeated if a rename has disturbed it (EAGAIN).
const ATTEMPTS: u32 = 4;

/// Opens a file or a folder for reading. `path` is relative to `folder`, without empty, `.` and `..` parts, which are
/// refused like missing files. A FIFO or device is opened without waiting; the caller checks what it is.
pub fn open_beneath(folder: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    if path.contains(&0) || path.split(|&byte| byte == b'/').any(|name| matches!(name, b"" | b"." | b"..")) {
        return Err(Errno::NOENT);
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(folder, path, FILE, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            // Some seccomp filters refuse unknown system calls with EPERM.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => break,
            opened => return opened,
        }
    }
    open_by_name(folder, path)
}

/// Opens each folder on the path separately, without following symbolic links.
fn open_by_name(folder: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    let mut opened: Option<OwnedFd> = None;
    let mut names = path.split(|&byte| byte == b'/').peekable();
    while let Some(name) = names.next() {
        let flags = if names.peek().is_some() { FOLDER } else { FILE | OFlags::NOFOLLOW };
        let parent = opened.as_ref().map_or(folder, |inner| inner.as_fd());
        opened = Some(openat(parent, name, flags, Mode::empty())?);
    }
    opened.ok_or(Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A temporary folder with files, and a file outside of it. Removed when this value is dropped.
    struct Site(PathBuf);

    impl Site {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ropewalk-{}-{name}", std::process::id()));
            std::fs::create_dir_all(path.join("root/a/b")).unwrap();
            std::fs::write(path.join("root/a/b/c"), "inside").unwrap();
            std::fs::write(path.join("secret"), "outside").unwrap();
            symlink("../secret", path.join("root/link")).unwrap();
            symlink("a", path.join("root/inner")).unwrap();
            symlink("..", path.join("root/up")).unwrap();
            Site(path)
        }

        fn root(&self) -> File {
            File::open(self.0.join("root")).unwrap()
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    type Open = fn(BorrowedFd<'_>, &[u8]) -> Result<OwnedFd, Errno>;
    const WAYS: [Open; 2] = [open_beneath, open_by_name];

    #[test]
    fn a_file_below_the_folder_is_opened() {
        let site = Site::new("beneath");
        for open in WAYS {
            let mut text = String::new();
            File::from(open(site.root().as_fd(), b"a/b/c").unwrap()).read_to_string(&mut text).unwrap();
            assert_eq!("inside", text);
            open(site.root().as_fd(), b"a/b").unwrap();
        }
    }

    #[test]
    fn links_are_not_followed() {
        let site = Site::new("links");
        for open in WAYS {
            for path in [&b"link"[..], b"inner/b/c", b"up/secret", b"up/root/a/b/c"] {
                let error = open(site.root().as_fd(), path).unwrap_err();
                assert!(matches!(error, Errno::LOOP | Errno::NOTDIR | Errno::MLINK), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let site = Site::new("names");
        for path in
            [&b""[..], b".", b"..", b"../secret", b"a/../../secret", b"/etc/passwd", b"a//b/c", b"a/b/c/", b"a\0b"]
        {
            assert_eq!(Errno::NOENT, open_beneath(site.root().as_fd(), path).unwrap_err(), "{path:?}");
        }
    }
}
