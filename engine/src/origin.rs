//! The origin of a request: its client, scheme and host, as the connection or a trusted proxy reports them.

use crate::address::Address;
use crate::authority::is_authority;
use crate::refusal::Refusal;

/// The origin of a request, as the connection and trusted proxies report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address. It is [`Address::Unknown`] if a proxy does not report it.
    pub client: Address,
    /// Whether the client used TLS.
    pub secure: bool,
    /// The host that the client requested, if a proxy reports a host other than the `Host` field.
    pub host: Option<Box<[u8]>>,
}

impl Origin {
    /// Sets whether the client used TLS, from the scheme of its request. Some proxies send `ws` and `wss` for an
    /// upgrade.
    pub(crate) fn set_scheme(&mut self, scheme: &[u8]) -> Result<(), Refusal> {
        let is = |name: &[u8]| scheme.eq_ignore_ascii_case(name);
        self.secure = match () {
            () if is(b"https") || is(b"wss") => true,
            () if is(b"http") || is(b"ws") => false,
            () => return Err(Refusal::bad("the forwarded scheme is neither http nor https")),
        };
        Ok(())
    }

    /// Sets the host that the client requested.
    pub(crate) fn set_host(&mut self, host: &[u8]) -> Result<(), Refusal> {
        if !is_authority(host) {
            return Err(Refusal::bad("the forwarded host is not valid"));
        }
        self.host = Some(host.into());
        Ok(())
    }
}
