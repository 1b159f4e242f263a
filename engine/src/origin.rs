//! Where a request comes from: its client, as the connection or a trusted proxy shows it.

use crate::authority::is_authority;
use crate::peer::Peer;
use crate::refusal::Refusal;

/// Where a request comes from, as far as it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who asked; [`Peer::Unknown`] where a proxy does not tell.
    pub client: Peer,
    /// Whether the client's connection was secure.
    pub secure: bool,
    /// The host that the client asked for, where a proxy tells another than Host does.
    pub host: Option<Box<[u8]>>,
}

impl Origin {
    /// Takes in the scheme of the client's request; `ws` and `wss` are what some proxies say of an upgrade.
    pub(crate) fn set_scheme(&mut self, scheme: &[u8]) -> Result<(), Refusal> {
        let is = |name: &[u8]| scheme.eq_ignore_ascii_case(name);
        self.secure = match () {
            () if is(b"https") || is(b"wss") => true,
            () if is(b"http") || is(b"ws") => false,
            () => return Err(Refusal::bad("the forwarded scheme is neither http nor https")),
        };
        Ok(())
    }

    /// Takes in the host that the client asked for.
    pub(crate) fn set_host(&mut self, host: &[u8]) -> Result<(), Refusal> {
        if !is_authority(host) {
            return Err(Refusal::bad("the forwarded host is not valid"));
        }
        self.host = Some(host.into());
        Ok(())
    }
}
