//! `Head`: the head of a request, as handlers read it. [`crate::http1::head`] parses it.

use bytes::Bytes;

use crate::address::Address;
use crate::method::Method;
use crate::origin::Origin;

/// The HTTP version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Version {
    Http10,
    Http11,
}

/// The name and value of a field line, as bytes.
pub type Field = (Bytes, Bytes);

/// The borrowed name and value of a response field.
pub type FieldRef<'a> = (&'a [u8], &'a [u8]);

/// The parsed head of a request. Field names and values are slices of the received bytes.
#[derive(Debug, Clone)]
pub struct Head {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) method: Method,
    pub(crate) target: Span,
    pub(crate) path: Span,
    pub(crate) query: Span,
    pub(crate) host: Span,
    pub(crate) version: Version,
    pub(crate) fields: Vec<FieldSpan>,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    /// The peer's address. It is kept here for handlers that read it after the client has disconnected.
    pub(crate) peer: Address,
    pub(crate) secure: bool,
    /// The origin of the request, which a trusted proxy may report. None if no proxies are trusted.
    pub(crate) origin: Option<Box<Origin>>,
}

/// The position of a part of the head, in the bytes of the head.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
}

/// The position of a field in the bytes of the head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSpan {
    pub name: Span,
    pub value: Span,
}

/// How the end of a request body is found (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    /// The value of `Content-Length`, if it is more than 0.
    Length(u64),
    Chunked,
}

impl Head {
    /// The request method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The name of the method as it was sent.
    pub fn method_name(&self) -> &[u8] {
        &self.bytes[..(self.target.start as usize).saturating_sub(1)]
    }

    /// The request target as it was sent.
    pub fn target(&self) -> &[u8] {
        self.slice(self.target)
    }

    /// The path of the request target, still percent-encoded. It is `*` for the asterisk form.
    pub fn path(&self) -> &[u8] {
        self.slice(self.path)
    }

    /// The query of the request target: the bytes after `?`, or no bytes.
    pub fn query(&self) -> &[u8] {
        self.slice(self.query)
    }

    /// The requested host and port. A trusted proxy may report them. Otherwise they are the authority of an absolute
    /// target, or else the Host field.
    pub fn host(&self) -> &[u8] {
        let named = self.origin().and_then(|origin| origin.host.as_deref());
        named.unwrap_or_else(|| self.slice(self.host))
    }

    /// The origin of the request, which a trusted proxy may report. None if no proxies are trusted: then the client is
    /// the peer.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    /// The peer's address: that of a proxy or of the client.
    pub fn peer(&self) -> &Address {
        &self.peer
    }

    /// Whether the client used TLS. A trusted proxy may report this.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The HTTP version of the request.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the client may send another request on the connection.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the request has a body.
    pub fn has_body(&self) -> bool {
        self.framing != Framing::None
    }

    /// The length of the body in bytes. None if the head does not state it.
    pub fn length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(length) => Some(length),
            Framing::None => self.values(b"content-length").next().map(|_| 0),
            Framing::Chunked => None,
        }
    }

    /// The number of field lines.
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    /// The name and value of every field line, in order.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.slice(field.name), self.slice(field.value)))
    }

    /// The values of all field lines with this name. Names are compared case-insensitively.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.fields().filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn slice(&self, span: Span) -> &[u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }
}
