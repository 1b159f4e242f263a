//! Tests the engine without Python: clients use real sockets, and the tests act as handlers by calling the engine's
//! commands (`engine/commands.rs`).

mod batching;
mod bodies;
mod body_order;
mod chaos;
mod closing;
mod compression;
mod connections;
mod disconnects;
mod early_responses;
mod fairness;
mod forking;
mod half_close;
mod harness;
mod interleaving;

mod lingering;

mod pipes;
mod proxies;
mod relay;
mod requests;
mod responses;
mod timeouts;
