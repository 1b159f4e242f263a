//! Where a request comes from: its client, according to the connection or a trusted proxy.

use crate::address::Address;
use crate::authority::is_authority;
use crate::refusal::Refusal;

/// Where a request comes from, according to the connection and trusted proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client; [`Address::Unknown`] if a proxy does not report it.
    pub client: Address,
    /// Whether the client's connection was secure.
    pub secure: bool,
    /// The host that the client requested, if a proxy reports another one than `Host`.
    pub host: Option<Box<[u8]>>,
}

impl Origin {
    /// Sets the scheme of the client's request. Some proxies send `ws` and `wss` with an upgrade.
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
