//! The ceiling of the benchmarks: what one thread with an edge-triggered epoll loop can do at best.
//!
//! Every blank line counts as the end of a request head, and gets the same response of 13 bytes. The program parses,
//! checks and times nothing, so it is not a server: it is the unit in which servers are measured.
//!
//! Usage: `ceiling PORT`; it listens on 127.0.0.1 and runs until it is killed.

use std::env;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::ExitCode;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::{Errno, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, accept_with, bind, ipproto, listen, socket_with, sockopt};

/// The response. Its head is as long as that of a real server, so that the kernel copies as many bytes.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 13\r\n\
    date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
    \r\n\
    Hello, World!";
const BLANK_LINE: &[u8] = b"\r\n\r\n";
const BACKLOG: i32 = 4096;
const EVENTS: usize = 256;
const READ_SIZE: usize = 16 * 1024;
/// The same response many times in sequence, so that several responses are sent with one call.
const ROW: usize = 64;

fn main() -> ExitCode {
    let Some(port) = env::args().nth(1).and_then(|port| port.parse().ok()) else {
        eprintln!("usage: ceiling PORT");
        return ExitCode::from(2);
    };
    match serve(port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ceiling: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(port: u16) -> io::Result<()> {
    let listener = listener(port)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, key(listener.as_raw_fd()), EventFlags::IN)?;

    let row = ANSWER.repeat(ROW);
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
    let mut buffer = vec![0; READ_SIZE];
    loop {
        events.clear();
        match epoll::wait(&poll, spare_capacity(&mut events), None) {
            Err(Errno::INTR) => continue,
            result => result?,
        };
        for event in &events {
            let fd = event.data.u64() as RawFd;
            if fd == listener.as_raw_fd() {
                accept_all(&listener, &poll, &mut connections)?;
                continue;
            }
            // Data and the end of the stream may arrive in one event, and epoll reports each edge once.
            let hung_up = { event.flags }.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            let slot = &mut connections[fd as usize];
            let open = slot.as_mut().is_some_and(|connection| connection.turn(&mut buffer, &row));
            if hung_up || !open {
                *slot = None;
            }
        }
    }
}

fn listener(port: u16) -> io::Result<OwnedFd> {
    let listener = socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        Some(ipproto::TCP),
    )?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn accept_all(listener: &OwnedFd, poll: &OwnedFd, connections: &mut Vec<Option<Connection>>) -> io::Result<()> {
    loop {
        let socket = match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok(socket) => socket,
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::CONNABORTED | Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        sockopt::set_tcp_nodelay(&socket, true)?;
        let fd = socket.as_raw_fd();
        let wanted = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(poll, &socket, key(fd), wanted)?;
        let index = fd as usize;
        if connections.len() <= index {
            connections.resize_with(index + 1, || None);
        }
        connections[index] = Some(Connection::new(socket));
    }
}

fn key(fd: RawFd) -> EventData {
    EventData::new_u64(fd as u64)
}

struct Connection {
    socket: OwnedFd,
    /// How many bytes of a blank line were read last: it may be split over two reads.
    matched: usize,
    /// Bytes of responses that are not sent yet.
    owed: usize,
}

impl Connection {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, matched: 0, owed: 0 }
    }

    /// Reads the bytes that have arrived and responds; false when the connection has ended.
    fn turn(&mut self, buffer: &mut [u8], row: &[u8]) -> bool {
        loop {
            let drained = match read(&self.socket, &mut *buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.owed += self.heads(&buffer[..count]) * ANSWER.len();
                    count < buffer.len()
                }
                Err(Errno::AGAIN) => true,
                Err(Errno::INTR) => false,
                Err(_) => return false,
            };
            if !self.pay(row) {
                return false;
            }
            if drained {
                return true;
            }
        }
    }

    /// How many request heads end in these bytes.
    fn heads(&mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        for &byte in bytes {
            self.matched = match byte {
                byte if byte == BLANK_LINE[self.matched] => self.matched + 1,
                b'\r' => 1,
                _ => 0,
            };
            if self.matched == BLANK_LINE.len() {
                self.matched = 0;
                count += 1;
            }
        }
        count
    }

    /// Sends waiting responses as far as the socket accepts them; false when the connection has ended.
    fn pay(&mut self, row: &[u8]) -> bool {
        while self.owed > 0 {
            // A response that was sent in part continues at the next byte.
            let start = (ANSWER.len() - self.owed % ANSWER.len()) % ANSWER.len();
            let end = row.len().min(start + self.owed);
            match write(&self.socket, &row[start..end]) {
                Ok(count) => self.owed -= count,
                Err(Errno::AGAIN) => return true,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        true
    }
}
