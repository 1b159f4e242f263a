//! The connections with waiting responses, and the spare buffers that connections write responses to.

use super::SCRATCH;
use super::connection::Connection;
use crate::batching::Batching;
use crate::outbox::Outbox;

/// The maximum number of spare buffers.
const SPARE: usize = 16;

/// The connections with waiting output. The responses of a turn are sent together if [`crate::batching`] allows it.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    /// Connections whose output may wait until the inbox is empty.
    waiting: Vec<u64>,
    batching: Batching,
    /// Spare buffers. A connection borrows one while it responds.
    spare: Vec<Vec<u8>>,
}

impl SendQueue {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a connection to the queue, unless it is already in the queue.
    #[inline]
    pub fn push<W>(&mut self, connection: &mut Connection<W>) {
        if !connection.unsent {
            connection.unsent = true;
            self.waiting.push(connection.token);
        }
    }

    /// Removes all waiting connections and returns them.
    pub fn take(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.waiting)
    }

    // Batching

    /// Whether a response may wait for responses of other connections.
    pub fn batches(&self) -> bool {
        self.batching.is_on()
    }

    /// Turns batching off: until [`SendQueue::start_batching`] is called, no response waits for other connections.
    pub fn stop_batching(&mut self) {
        self.batching.stop();
    }

    pub fn start_batching(&mut self, now: u64) {
        self.batching.start(now);
    }

    /// Records that an event took `took` microseconds and ended at `now`. Returns whether the waiting responses must be
    /// sent.
    pub fn event_handled(&mut self, took: u64, now: u64) -> bool {
        self.batching.passed(took, now)
    }

    // Buffers

    /// Lends a spare buffer to an outbox that has none, to save one allocation per request.
    #[inline]
    pub fn lend(&mut self, out: &mut Outbox) {
        if out.lacks_buffer() {
            if let Some(buffer) = self.spare.pop() {
                out.lend(buffer);
            }
        }
    }

    /// Takes back the buffer of an empty outbox.
    #[inline]
    pub fn reclaim(&mut self, out: &mut Outbox) {
        if let Some(buffer) = out.reclaim() {
            if self.spare.len() < SPARE && buffer.capacity() <= 2 * SCRATCH {
                self.spare.push(buffer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::http1::Http1;
    use crate::transport::{Pipe, Transport};

    #[test]
    fn a_connection_waits_once() {
        let mut queue = SendQueue::default();
        let pipe = Transport::Pipe(Pipe::new(Address::Unknown, false));
        let mut connection: Connection<Http1> = Connection::new(7, pipe, Address::Unknown);
        queue.push(&mut connection);
        queue.push(&mut connection);
        assert_eq!(vec![7], queue.take());
        assert!(queue.is_empty());
    }

    #[test]
    fn a_buffer_is_lent_again_when_all_is_sent() {
        let mut queue = SendQueue::default();
        let mut out = Outbox::default();
        out.tail().extend_from_slice(b"response");
        let buffer = out.tail().as_ptr();
        queue.reclaim(&mut out);
        assert!(queue.spare.is_empty(), "it is in use");
        out.advance(8);
        queue.reclaim(&mut out);
        queue.lend(&mut out);
        assert_eq!(buffer, out.tail().as_ptr());
    }

    #[test]
    fn large_buffers_and_many_are_not_kept() {
        let mut queue = SendQueue::default();
        let mut out = Outbox::default();
        out.lend(Vec::with_capacity(2 * SCRATCH + 1));
        queue.reclaim(&mut out);
        assert!(queue.spare.is_empty());
        for _ in 0..2 * SPARE {
            out.lend(Vec::with_capacity(64));
            queue.reclaim(&mut out);
        }
        assert_eq!(SPARE, queue.spare.len());
    }
}
