//! `Refusal`: why the engine refuses a message.

/// Why the engine refuses a message: the status of the short response, and a phrase for its body and for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status: 400, 408, 413, 414, 417, 431, 501, 503 or 505.
    pub status: u16,
    /// What is wrong with the message, for the developer of the client.
    pub reason: &'static str,
}

impl Refusal {
    /// Makes a refusal with status 400, for a message that breaks a rule of HTTP/1.
    pub const fn bad(reason: &'static str) -> Self {
        Refusal { status: 400, reason }
    }
}
