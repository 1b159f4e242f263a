//! The content codings (RFC 9110, section 8.4.1).

/// A content coding that the engine can encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Zstandard (RFC 8878). Fast, and small results.
    Zstd,
    /// Brotli (RFC 7932). The smallest results.
    Brotli,
    /// gzip (RFC 1952). Every client decodes it.
    Gzip,
}

impl Coding {
    /// Every coding, in the order in which the engine prefers them if a client does not.
    pub const ALL: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

    /// The name in `Accept-Encoding` and `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Zstd => "zstd",
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }

    /// Returns the coding with this name, in any case. `x-gzip` is another name of gzip (RFC 9110, section 8.4.1.3).
    pub fn named(name: &[u8]) -> Option<Coding> {
        if name.eq_ignore_ascii_case(b"x-gzip") {
            return Some(Coding::Gzip);
        }
        Coding::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name().as_bytes()))
    }

    /// The lowest and the highest level of the coding.
    pub fn levels(self) -> (u32, u32) {
        match self {
            Coding::Zstd => (1, 19),
            Coding::Brotli => (0, 11),
            Coding::Gzip => (1, 9),
        }
    }
}
