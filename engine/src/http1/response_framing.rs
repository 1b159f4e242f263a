//! How the body of a response is framed, or that it has none (RFC 9110, section 6.4.1; RFC 9112, section 6).

use crate::exchange::CommandError;
use crate::head::Version;

/// How the body of a response is framed (RFC 9112, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFrame {
    /// There is no body and no length: 1xx, 204, 304.
    None,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The body ends with the connection, for HTTP/1.0.
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseFraming {
    /// `Content-Length`; `left` is how many of its bytes are still to be written.
    Length { announced: u64, left: u64 },
    /// In chunks.
    Chunked,
    /// In chunks that the handler frames. The bytes pass unchanged. A copy of the last five bytes is kept, to check the
    /// last chunk.
    FramedByHandler([u8; 5]),
    /// Without framing: the body, or the other protocol, ends with the connection.
    UntilClose,
    /// The response has no body, for example because it responds to HEAD. The handler's bytes are not sent.
    Omitted,
}

/// Whether a response of this status never has a body (RFC 9110, section 6.4.1).
pub fn is_bodiless(status: u16) -> bool {
    status < 200 || status == 204 || status == 304
}

/// The framing of a whole response. `announced` is the handler's own `Content-Length`, which may replace a body in a
/// response to HEAD or of status 304.
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

/// The framing of a streamed response.
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
    /// The framing that the handler must observe while it writes the body.
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
