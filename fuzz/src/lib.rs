//! Functions that check what must hold for every input of the engine's HTTP/1.1 code. They panic if it does not hold.
//!
//! Each module with a `check` is one target: libFuzzer calls it with generated inputs (`targets/`), and `cargo test`
//! calls it with stored inputs (`corpus/`). `docs/explanation/fuzzing.md` describes what each target checks.

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
