//! The settings of an engine.

use crate::compression::Compression;
use crate::limits::Limits;
use crate::method::Methods;
use crate::proxies::Proxies;

#[derive(Debug, Default)]
pub(super) struct EngineSettings {
    pub limits: Limits,
    /// How responses are compressed.
    pub compression: Compression,
    /// Which request methods are accepted.
    pub methods: Methods,
    /// Which proxies are trusted.
    pub proxies: Option<Proxies>,
    /// Whether each refused message is reported to the log.
    pub debug: bool,
    /// Whether an event reports that a connection on a socket was opened or has ended.
    pub reports_connections: bool,
}
