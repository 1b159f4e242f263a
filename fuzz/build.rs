//! Compiles llhttp. The differential target compares the engine with it.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=oracle");
    assert!(Path::new("oracle/llhttp/src/llhttp.c").exists(), "the source of llhttp is missing: run fuzz/oracle/fetch");
    cc::Build::new()
        .include("oracle/llhttp/include")
        .files(["api.c", "http.c", "llhttp.c"].map(|file| format!("oracle/llhttp/src/{file}")))
        .file("oracle/oracle.c")
        .warnings(false)
        .compile("oracle");
}
