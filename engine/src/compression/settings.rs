//! The settings of the compression of responses.

use super::coding::Coding;

/// Which responses an engine compresses, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compression {
    /// The codings with their levels, in the order in which the server prefers them.
    pub codings: Vec<(Coding, u32)>,
    /// Whole bodies with fewer bytes are sent as they are. A small body fits into one packet either way. nginx starts at
    /// 20 bytes, Starlette and Caddy at about 500, Express and Akamai at about 1000.
    pub min_size: u64,
    /// Files with more bytes are sent as they are. The kernel sends them without a copy, and they would be compressed
    /// again for each client.
    pub file_size: u64,
    /// How many streams may be compressed at the same time. An encoder holds between 0.3 and 2 MiB until its stream
    /// ends. Further streams are sent as they are.
    pub streams: usize,
    /// Media types in lower case that are compressed besides the usual ones.
    pub types: Vec<Box<[u8]>>,
}

impl Default for Compression {
    /// The levels are those of servers that compress each response again: Caddy uses gzip 5, nginx's module brotli 6 and
    /// ASP.NET Core brotli 4.
    fn default() -> Self {
        Compression {
            codings: vec![(Coding::Zstd, 3), (Coding::Brotli, 4), (Coding::Gzip, 5)],
            min_size: 1024,
            file_size: 1024 * 1024,
            streams: 256,
            types: Vec::new(),
        }
    }
}

impl Compression {
    /// The level of a coding.
    pub fn level(&self, coding: Coding) -> u32 {
        self.codings.iter().find(|(each, _)| *each == coding).map_or(coding.levels().0, |(_, level)| *level)
    }
}
