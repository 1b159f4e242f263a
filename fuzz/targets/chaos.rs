//! Clients and handlers that do anything at any time.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ropewalk_fuzz::chaos::check(input));
