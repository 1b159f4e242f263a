//! The engine without Python: real sockets on one side, commands on the other.

mod answers;
mod batching;
mod bodies;
mod chaos;
mod closing;
mod connections;
mod fairness;
mod forking;
mod half_close;
mod harness;
mod leaving;
mod lingering;
mod patience;
mod pipes;
mod proxies;
mod relaying;
mod requests;
mod timeouts;
