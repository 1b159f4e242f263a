//! Determines how the body of a response is framed, and whether the response has a body (RFC 9110, section 6.4.1; RFC
//! 9112, section 6).

use crate::exchange::CommandError;
use crate::head::Version;

/// How the head of a response describes the framing of the body (RFC 9112, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFrame {
    /// The response has no body and no length, because its status is 1xx, 204 or 304.
    None,
    /// The body is framed by `Content-Length`.
    Length(u64),
    /// The body is framed by `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection ends the body. HTTP/1.0 clients get this framing if the length is unknown.
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseFraming {
    /// The body has a `Content-Length`. `left` is how many of its bytes are still to be written.
    Length { announced: u64, left: u64 },
    /// The engine writes the body in chunks.
    Chunked,
    /// The handler writes the chunks itself, and its bytes are sent unchanged. A copy of the last five bytes is kept to
    /// check the last chunk.
    FramedByHandler([u8; 5]),
    /// The end of the connection ends the body, or the bytes of another protocol.
    UntilClose,
    /// The response has no body, for example because it responds to HEAD. The handler's bytes are not sent.
    Omitted,
}

/// Whether a response with this status never has a body (RFC 9110, section 6.4.1).
pub fn is_bodiless(status: u16) -> bool {
    status < 200 || status == 204 || status == 304
}

/// Returns the framing of a whole response. `announced` is the handler's own `Content-Length`. In a response to HEAD or
/// with status 304, it may describe a body that is not sent.
pub(super) fn frame_of_whole(
    status: u16,
    is_head: bool,
    announced: Option<u64>,
    length: u64,
) -> Result<BodyFrame, CommandError> {
    if length > 0 && (is_bodiless(status) || status == 205) {
        return Err(CommandError::NoBody(status));
    }
    if is_bodiless(status) {
        return Ok(announced.filter(|_| status == 304).map_or(BodyFrame::None, BodyFrame::Length));
    }
    match announced {
        Some(announced) if announced != length && !(is_head && length == 0) => {
            Err(CommandError::Length { announced, written: length })
        }
        _ => Ok(BodyFrame::Length(announced.unwrap_or(length))),
    }
}

/// Returns the framing of a streamed response.
pub(super) fn frame_of_stream(status: u16, version: Version, length: Option<u64>) -> BodyFrame {
    let bodiless = is_bodiless(status);
    match length {
        _ if bodiless && status != 304 => BodyFrame::None,
        Some(length) => BodyFrame::Length(length),
        None if bodiless => BodyFrame::None,
        None if version == Version::Http11 => BodyFrame::Chunked,
        None => BodyFrame::UntilClose,
    }
}

impl ResponseFraming {
    /// Returns the framing that the handler must observe when it writes the body.
    pub fn of(frame: BodyFrame, status: u16, is_head: bool) -> Self {
        match frame {
            _ if is_head || is_bodiless(status) => ResponseFraming::Omitted,
            BodyFrame::Length(announced) => ResponseFraming::Length { announced, left: announced },
            BodyFrame::Chunked => ResponseFraming::Chunked,
            BodyFrame::UntilClose => ResponseFraming::UntilClose,
            BodyFrame::None => ResponseFraming::Omitted,
        }
    }
}
