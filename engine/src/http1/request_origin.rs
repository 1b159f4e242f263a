//! Determines the client of a request, as handlers see it.

use crate::head::Head;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::wire::WireContext;

impl WireContext<'_> {
    /// Stores the origin of the request in its head: the peer, or the client that a trusted proxy reports.
    pub(super) fn set_origin(&self, mut head: Box<Head>) -> Result<Box<Head>, Refusal> {
        head.peer = self.peer.clone();
        head.secure = self.secure;
        if let Some(proxies) = self.proxies {
            let connection = Origin { client: self.client.clone(), secure: self.secure, host: None };
            let origin = if self.trusts_fields { proxies.origin_of(&head, connection)? } else { connection };
            head.origin = Some(Box::new(origin));
        }
        Ok(head)
    }
}
