//! The body of the current request: how it is framed, its limits, and whether a reader has requested it.

use super::chunked::{Chunked, Step};
use super::state::RequestState;
use crate::event::BodyFault;
use crate::head::{Field, Framing, Head};
use crate::limits::Limits;

/// How much of the current request body was read, and what happens to its bytes.
#[derive(Debug)]
pub(super) struct RequestBody {
    framing: BodyFraming,
    pub demand: Demand,
    /// The maximum size of the body in bytes.
    pub limit: u64,
    /// Whether the refusal of a too large `Content-Length` was already counted.
    pub reported_too_large: bool,
    /// How many bytes of the body were read so far.
    pub seen: u64,
    /// How many bytes the reader has received but not consumed yet.
    pub unread: u64,
    /// Whether the client waits for 100 Continue, which was not sent yet.
    pub expects_continue: bool,
}

#[derive(Debug)]
enum BodyFraming {
    /// The request has no body, or its body is complete.
    None,
    /// The body has a `Content-Length`. The value is how many bytes are still to come.
    Length(u64),
    Chunked(Box<Chunked>),
}

/// What happens to the bytes of a body that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// The bytes wait in the input, because no reader has requested them.
    Held,
    /// The bytes are passed to a reader.
    Flowing,
    /// The bytes are read and dropped.
    Dropped,
}

/// The result of reading from a body.
pub(super) enum Part<'a> {
    /// No data. More input is needed.
    None,
    /// Some data, and whether it ends the body.
    Data(&'a [u8], bool),
    /// The end of a chunked body, with its trailer fields.
    End(Vec<Field>),
    Error(BodyFault),
}

impl Default for RequestBody {
    fn default() -> Self {
        RequestBody {
            framing: BodyFraming::None,
            demand: Demand::Held,
            limit: 0,
            reported_too_large: false,
            seen: 0,
            unread: 0,
            expects_continue: false,
        }
    }
}

impl RequestBody {
    /// Returns the body that a head announces.
    pub fn of(head: &Head, limits: &Limits) -> Self {
        RequestBody {
            framing: match head.framing {
                Framing::None => BodyFraming::None,
                Framing::Length(length) => BodyFraming::Length(length),
                Framing::Chunked => BodyFraming::Chunked(Box::default()),
            },
            limit: limits.body_size,
            expects_continue: head.expects_continue,
            ..Default::default()
        }
    }

    /// How many bytes are still to come. None if the body has no `Content-Length`.
    pub fn announced(&self) -> Option<u64> {
        match self.framing {
            BodyFraming::Length(left) => Some(left),
            _ => None,
        }
    }

    /// Whether the bytes of the body are read now, either for a reader or to be dropped.
    pub fn flows(&self, limits: &Limits) -> bool {
        match self.demand {
            Demand::Held => false,
            Demand::Flowing => self.unread < limits.read_buffer,
            Demand::Dropped => true,
        }
    }

    /// Reads the next part of the body from `input`. Returns how many bytes of `input` were used, and the part.
    pub fn read<'a>(&mut self, input: &'a [u8], limits: &Limits) -> (usize, Part<'a>) {
        match &mut self.framing {
            BodyFraming::None => (0, Part::None),
            BodyFraming::Length(left) => {
                let count = input.len().min((*left).try_into().unwrap_or(usize::MAX));
                if count == 0 {
                    return (0, Part::None);
                }
                *left -= count as u64;
                (count, Part::Data(&input[..count], *left == 0))
            }
            BodyFraming::Chunked(decoder) => {
                let mut rest = input;
                let step = decoder.step(&mut rest, limits);
                let used = input.len() - rest.len();
                match step {
                    Ok(Step::More) => (used, Part::None),
                    Ok(Step::Data(count)) => {
                        decoder.consumed(count);
                        let part = if self.seen + count as u64 > self.limit {
                            Part::Error(BodyFault::TooLarge)
                        } else {
                            Part::Data(&rest[..count], false)
                        };
                        (used + count, part)
                    }
                    Ok(Step::Done) => (used, Part::End(std::mem::take(&mut **decoder).into_trailers())),
                    Err(reason) => (used, Part::Error(BodyFault::Malformed(reason))),
                }
            }
        }
    }

    /// Marks the body as complete.
    pub fn finish(&mut self) {
        self.framing = BodyFraming::None;
    }

    /// Starts to drop the rest of the body, so that the connection can stay open. Returns false if more than
    /// `discard_size` bytes are still to come.
    pub fn drop_rest(&mut self, limits: &Limits) -> bool {
        match self.framing {
            BodyFraming::Length(left) if left > limits.discard_size => return false,
            BodyFraming::Length(_) | BodyFraming::None => {}
            BodyFraming::Chunked(_) => self.limit = self.seen + limits.discard_size,
        }
        self.demand = Demand::Dropped;
        true
    }

    /// Whether the rest of the body is small enough to be read and dropped after the response.
    pub fn may_be_dropped(&self, state: RequestState, limits: &Limits) -> bool {
        match state {
            RequestState::Complete | RequestState::Switched => true,
            RequestState::Head | RequestState::BadBody | RequestState::Closed => false,
            // A client that waits for 100 Continue and gets a final response may or may not send the body. So the
            // engine could not tell the body from the next request.
            RequestState::Body if self.expects_continue => false,
            RequestState::Body => match self.framing {
                BodyFraming::Length(left) => left <= limits.discard_size,
                BodyFraming::Chunked(_) | BodyFraming::None => limits.discard_size > 0,
            },
        }
    }

    /// Whether the request body allows the connection to stay open after a response that begins now. It does if the
    /// rest of the body will be read, or is small enough to be dropped.
    pub fn may_complete(&self, state: RequestState, limits: &Limits) -> bool {
        match self.framing {
            _ if self.demand == Demand::Flowing => true,
            BodyFraming::Length(_) if state == RequestState::Body => !self.expects_continue,
            _ => self.may_be_dropped(state, limits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(framing: BodyFraming, limit: u64) -> RequestBody {
        RequestBody { framing, limit, ..Default::default() }
    }

    fn chunked(limit: u64) -> RequestBody {
        body(BodyFraming::Chunked(Box::default()), limit)
    }

    #[test]
    fn rfc9112_6_2_a_body_ends_at_its_length() {
        let limits = Limits::default();
        let mut body = body(BodyFraming::Length(5), 10);
        assert!(matches!(body.read(b"abc", &limits), (3, Part::Data(b"abc", false))));
        assert!(matches!(body.read(b"", &limits), (0, Part::None)));
        assert_eq!(Some(2), body.announced());
        assert!(matches!(body.read(b"deGET", &limits), (2, Part::Data(b"de", true))));
    }

    #[test]
    fn rfc9112_7_1_a_body_ends_at_its_last_chunk() {
        let limits = Limits::default();
        let mut body = chunked(10);
        assert!(matches!(body.read(b"2\r\nab\r\n0\r\n\r\nGET", &limits), (5, Part::Data(b"ab", false))));
        assert!(matches!(body.read(b"\r\n0\r\n\r\nGET", &limits), (7, Part::End(_))));
        let malformed = chunked(10).read(b"x", &limits).1;
        assert!(matches!(malformed, Part::Error(BodyFault::Malformed(_))));
    }

    #[test]
    fn rfc9110_15_5_14_a_chunked_body_has_a_limit() {
        let part = chunked(1).read(b"2\r\nab", &Limits::default()).1;
        assert!(matches!(part, Part::Error(BodyFault::TooLarge)));
    }

    #[test]
    fn only_a_small_rest_is_dropped() {
        let limits = Limits { discard_size: 4, ..Limits::default() };
        for (left, dropped) in [(4, true), (5, false)] {
            let mut body = body(BodyFraming::Length(left), 10);
            assert_eq!(dropped, body.may_be_dropped(RequestState::Body, &limits));
            assert_eq!((dropped, dropped), (body.drop_rest(&limits), body.flows(&limits)));
        }
        let mut body = RequestBody { seen: 3, ..chunked(10) };
        assert_eq!((true, 7), (body.drop_rest(&limits), body.limit));
    }

    #[test]
    fn rfc9110_10_1_1_a_body_that_waits_for_100_continue_may_not_be_dropped() {
        let limits = Limits::default();
        let body = RequestBody { expects_continue: true, ..body(BodyFraming::Length(1), 10) };
        assert!(!body.may_be_dropped(RequestState::Body, &limits) && !body.may_complete(RequestState::Body, &limits));
    }
}
