//! The engine compared with llhttp.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ropewalk_fuzz::differential::check(input));
