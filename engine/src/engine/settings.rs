//! The settings that the owner of an engine has made.

use crate::limits::Limits;
use crate::method::Methods;
use crate::proxies::Proxies;

#[derive(Debug, Default)]
pub(super) struct EngineSettings {
    pub limits: Limits,
    /// Which methods are served.
    pub methods: Methods,
    /// Which proxies are trusted.
    pub proxies: Option<Proxies>,
    /// Whether each refused message is reported.
    pub debug: bool,
    /// Whether there are events for the opening and the end of connections to sockets.
    pub reports_connections: bool,
}
