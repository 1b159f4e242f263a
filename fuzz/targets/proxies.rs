//! The headers with which proxies name their clients.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ropewalk_fuzz::proxies::check(input));
