//! The media types whose bodies are worth compressing.

/// Types besides `text/*` and the types with a suffix of [`SUFFIXES`], in lower case. Fonts in WOFF and WOFF2, and
/// nearly all images, audio and video are compressed already.
const TYPES: &[&[u8]] = &[
    b"application/graphql-response",
    b"application/javascript",
    b"application/json",
    b"application/json-seq",
    b"application/jsonl",
    b"application/manifest",
    b"application/msgpack",
    b"application/ndjson",
    b"application/postscript",
    b"application/rtf",
    b"application/sql",
    b"application/toml",
    b"application/vnd.apple.mpegurl",
    b"application/vnd.mapbox-vector-tile",
    b"application/vnd.ms-fontobject",
    b"application/vnd.msgpack",
    b"application/wasm",
    b"application/x-javascript",
    b"application/x-msgpack",
    b"application/x-ndjson",
    b"application/x-protobuf",
    b"application/x-sh",
    b"application/x-yaml",
    b"application/xml",
    b"application/yaml",
    b"font/collection",
    b"font/otf",
    b"font/ttf",
    b"image/bmp",
    b"image/svg+xml",
    b"image/x-icon",
    b"image/vnd.microsoft.icon",
];

/// Structured syntax suffixes (RFC 6839) of types that are text.
const SUFFIXES: &[&[u8]] = &[b"+json", b"+xml", b"+yaml", b"+text"];

/// The longest type that is looked up, in bytes.
const LONGEST: usize = 128;

/// Whether a body with this `Content-Type` is worth compressing. `others` are types in lower case besides those above.
pub(super) fn is_compressible(content_type: &[u8], others: &[Box<[u8]>]) -> bool {
    let media_type = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..media_type.len()) else { return false };
    lower.copy_from_slice(media_type);
    lower.make_ascii_lowercase();
    let lower = &*lower;
    lower.starts_with(b"text/")
        || TYPES.contains(&lower)
        || SUFFIXES.iter().any(|suffix| lower.ends_with(suffix))
        || others.iter().any(|other| **other == *lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_compressible_and_compressed_formats_are_not() {
        for kind in [
            "text/html; charset=utf-8",
            "TEXT/HTML",
            "text/event-stream",
            "application/json",
            "application/problem+json",
            "image/svg+xml",
            "application/wasm",
            "application/atom+xml; x=y",
            "font/ttf",
        ] {
            assert!(is_compressible(kind.as_bytes(), &[]), "{kind}");
        }
        for kind in [
            "",
            "image/png",
            "image/jpeg",
            "application/zip",
            "application/octet-stream",
            "font/woff2",
            "video/mp4",
            "application/grpc",
            "text",
        ] {
            assert!(!is_compressible(kind.as_bytes(), &[]), "{kind}");
        }
        assert!(!is_compressible(&[b'a'; 1000], &[]));
        assert!(is_compressible(b"application/x-log", &[(*b"application/x-log").into()]));
    }
}
