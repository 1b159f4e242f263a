//! What trusted proxies report about their clients, and which proxies are trusted. See `README.md` in this folder.

pub mod forwarded;
pub mod protocol;
mod trusted_fields;
mod trusted_networks;
pub mod x_forwarded;

pub use trusted_fields::{Family, Proxies};
pub use trusted_networks::{NotANetwork, Trusted};

/// Parses the port after an address: one to five digits.
fn port(digits: &[u8]) -> Option<u16> {
    let plain = !digits.is_empty() && digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit);
    if plain { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}
