//! Answers whose handlers write HTTP/1.1 themselves, as those of twisted.web do: the head goes out as it is given and the
//! body as it is framed. The engine decides only whether the connection lives on, and holds a handler to its
//! `Content-Length`.

use bytes::Bytes;

use super::connection::{Answer, Demand, Http1, Request};
use super::encode;
use crate::exchange::{Body, CommandError, Status};
use crate::head::{FieldRef, Version};
use crate::wire::Context;

impl Http1 {
    /// The head of an answer that its handler frames.
    pub(crate) fn relay_head(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        cx: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let found = encode::check_framing(status, fields)?;
        self.expect_waiting()?;
        if status.code < 200 || (found.chunked && self.version == Version::Http10) {
            return Err(CommandError::Status(status.code));
        }
        let answer = match found.length {
            _ if self.is_head || encode::is_bodiless(status.code) => Answer::Silent,
            Some(announced) => Answer::Length { announced, left: announced },
            None if found.chunked => Answer::Framed([0; 5]),
            None => Answer::UntilClose,
        };
        self.keep &= !found.close
            && answer != Answer::UntilClose
            && (self.version == Version::Http11 || found.keep_alive)
            && self.may_get_whole(cx.limits)
            && (!cx.draining || self.has_pledged_more());
        self.status = status.code;
        self.events = found.events;
        // A body that ends with the connection says so by having no length.
        let ends = answer == Answer::UntilClose || found.close || self.version == Version::Http10;
        let close = !self.keep && !ends;
        encode::given_head(cx.out.tail(), self.version, status, fields, close);
        self.answer = answer;
        Ok(())
    }

    /// A whole answer of this kind. `body` is not framed further.
    pub(crate) fn relay(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        self.keep &= self.answer != Answer::Waiting || self.may_drop_body(cx.limits);
        self.relay_head(status, fields, cx)?;
        let size = body.len();
        match &mut self.answer {
            Answer::Silent => return self.end(&[], cx),
            Answer::Length { left, .. } if *left < size => {
                let bytes = match body {
                    Body::Slice(bytes) => Bytes::copy_from_slice(bytes),
                    Body::Shared(bytes) => bytes,
                    Body::File { .. } => return Err(CommandError::NotStarted),
                };
                return self.relay_write(bytes, cx);
            }
            Answer::Length { announced, left } => {
                if *left != size {
                    return Err(CommandError::Length { announced: *announced, written: size });
                }
                *left = 0;
            }
            _ => {}
        }
        if let Answer::Framed(_) = self.answer {
            let bytes = match body {
                Body::Slice(bytes) => Bytes::copy_from_slice(bytes),
                Body::Shared(bytes) => bytes,
                Body::File { .. } => return Err(CommandError::NotStarted),
            };
            self.write(bytes, cx)?;
            return self.end(&[], cx);
        }
        self.written += size;
        match body {
            Body::Slice(bytes) => cx.out.tail().extend_from_slice(bytes),
            Body::Shared(bytes) => cx.out.push(bytes),
            Body::File { file, offset, length } => cx.out.push_file(file, offset, length, cx.files),
        }
        self.end(&[], cx)
    }

    /// A part of the body as it shall go out, or raw bytes. Of what is beyond the announced length nothing is sent, and
    /// the connection closes after the answer: twisted.web's programs go beyond it where a file grows while they read it,
    /// and their clients take the bytes that were announced.
    pub(crate) fn relay_write(&mut self, mut data: Bytes, cx: &mut Context<'_>) -> Result<(), CommandError> {
        let size = data.len() as u64;
        match self.answer {
            Answer::Length { announced, left } if left < size => {
                data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.keep = false;
                self.write(data, cx)?;
                Err(CommandError::Excess { announced, written: announced - left + size })
            }
            _ => self.write(data, cx),
        }
    }

    /// A part of the body out of a file; it is framed by `Content-Length`.
    pub(crate) fn relay_file(&mut self, part: Body<'_>, cx: &mut Context<'_>) -> Result<(), CommandError> {
        let size = part.len();
        match (&mut self.answer, part) {
            (Answer::Length { announced, left }, Body::File { file, offset, length }) => {
                let Some(rest) = left.checked_sub(size) else {
                    return Err(CommandError::Length { announced: *announced, written: *announced - *left + size });
                };
                *left = rest;
                self.written += size;
                cx.out.push_file(file, offset, length, cx.files);
                Ok(())
            }
            _ => Err(CommandError::NotStarted),
        }
    }

    /// From here the exchange carries raw bytes, and its handler sends what head it likes. The connection ends with it.
    /// While a body is on its way it goes on to come, and only what is sent is raw.
    pub(crate) fn take_over(&mut self) -> Result<(), CommandError> {
        self.expect_waiting()?;
        self.status = 101;
        self.answer = Answer::Raw;
        self.keep = false;
        if matches!(self.request, Request::Complete) {
            self.request = Request::Raw;
            self.demand = Demand::Held;
        }
        Ok(())
    }
}
