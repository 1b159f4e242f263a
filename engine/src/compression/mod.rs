//! Compresses the bodies of responses (RFC 9110, sections 8.4 and 12.5.3). Nothing here does I/O.
//!
//! [`Compression`] holds the settings, and decides for each response ([`Plan`]). [`fields`] changes its fields, and an
//! [`Encoder`] makes its body. [`CompressedBody`] is the body of one response: its encoder, and the input that is not
//! encoded yet. `README.md` in this folder lists the decisions.

mod body;
mod coding;
mod decoder;
mod eligibility;
pub mod encoders;
pub mod fields;
mod media_types;
pub mod negotiation;
mod settings;
mod spare;

pub use body::{CompressedBody, Progress};
pub use coding::Coding;
pub use decoder::{BodyDecoder, DecodeError};
pub use eligibility::Plan;
pub use encoders::Encoder;
pub use settings::Compression;
pub use spare::SpareEncoders;
