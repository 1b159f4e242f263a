//! What must hold for every input of the engine's HTTP/1.1 code, as plain functions that panic if it does not.
//!
//! Each module with a `check` is one target: libFuzzer calls it with inputs that it makes up (`targets/`), and `cargo test`
//! with those that are kept (`corpus/`). `docs/explanation/fuzzing.md` tells what each of them holds the engine to.

pub mod answers;
pub mod chaos;
pub mod chunked;
pub mod connection;
pub mod differential;
pub mod head;
pub mod memory;
pub mod proxies;
pub mod sent_body;
pub mod splits;
pub mod world;
