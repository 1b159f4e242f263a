//! The engine without Python: real sockets on one side, commands on the other.

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
mod relay;
mod requests;
mod responses;
mod timeouts;
