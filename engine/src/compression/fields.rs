//! Changes the fields of a response that is compressed, or that other clients get compressed.

use super::coding::Coding;
use super::eligibility::{Plan, has_token};
use crate::head::FieldRef;

const ACCEPT_ENCODING: &[u8] = b"Accept-Encoding";

/// The values of fields that were changed.
#[derive(Debug, Default)]
pub struct Changed {
    vary: Vec<u8>,
    etag: Vec<u8>,
}

/// Returns the fields of a response after its plan.
///
/// - `Vary` names `Accept-Encoding` (RFC 9110, section 12.5.5).
/// - A strong `ETag` becomes weak, because the compressed body has other bytes (section 8.8.1).
/// - `Content-Length` and `Accept-Ranges` are left out: they describe the uncompressed body.
pub fn change<'a>(fields: &[FieldRef<'a>], plan: Plan, changed: &'a mut Changed) -> Vec<FieldRef<'a>> {
    if plan == Plan::Unchanged {
        return fields.to_vec();
    }
    let coding = if let Plan::Compress(coding) = plan { Some(coding) } else { None };
    let weakens = coding.is_some() || plan == Plan::NotModified;
    let named = |&(name, _): &FieldRef<'_>, other: &[u8]| name.eq_ignore_ascii_case(other);
    let varies = |field: &FieldRef<'_>| {
        named(field, b"vary") && (has_token(field.1, ACCEPT_ENCODING) || has_token(field.1, b"*"))
    };
    let own_vary = (!fields.iter().any(varies)).then(|| fields.iter().position(|field| named(field, b"vary")));
    if let Some(Some(at)) = own_vary {
        changed.vary.extend_from_slice(fields[at].1);
        changed.vary.extend_from_slice(if fields[at].1.trim_ascii().is_empty() { b"" } else { b", " });
    }
    changed.vary.extend_from_slice(ACCEPT_ENCODING);
    let is_strong = |field: &FieldRef<'_>| weakens && named(field, b"etag") && field.1.starts_with(b"\"");
    if let Some((_, etag)) = fields.iter().find(|field| is_strong(field)) {
        changed.etag.extend_from_slice(b"W/");
        changed.etag.extend_from_slice(etag);
    }
    let changed = &*changed;
    let mut result = Vec::with_capacity(fields.len() + 2);
    for (at, field) in fields.iter().enumerate() {
        if coding.is_some() && (named(field, b"content-length") || named(field, b"accept-ranges")) {
            continue;
        }
        result.push(match own_vary {
            Some(Some(vary)) if vary == at => (field.0, &changed.vary[..]),
            _ if is_strong(field) => (field.0, &changed.etag[..]),
            _ => *field,
        });
    }
    if let Some(coding) = coding {
        result.push((b"Content-Encoding", Coding::name(coding).as_bytes()));
    }
    if own_vary == Some(None) {
        result.push((b"Vary", &changed.vary));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(fields: &[FieldRef<'_>], plan: Plan) -> Vec<String> {
        let mut values = Changed::default();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        change(fields, plan, &mut values)
            .iter()
            .map(|(name, value)| format!("{}: {}", text(name), text(value)))
            .collect()
    }

    #[test]
    fn rfc9110_8_8_1_a_compressed_body_has_a_weak_etag_and_another_length() {
        let fields: &[FieldRef<'_>] =
            &[(b"ETag", b"\"a\""), (b"Content-Length", b"9"), (b"accept-ranges", b"bytes"), (b"X", b"y")];
        let expected = ["ETag: W/\"a\"", "X: y", "Content-Encoding: br", "Vary: Accept-Encoding"];
        assert_eq!(expected[..], changed(fields, Plan::Compress(Coding::Brotli)));
        assert_eq!(["etag: W/\"a\"", "Vary: Accept-Encoding"][..], changed(&[(b"etag", b"\"a\"")], Plan::NotModified));
        let expected = ["ETag: \"a\"", "Content-Length: 9", "accept-ranges: bytes", "X: y", "Vary: Accept-Encoding"];
        assert_eq!(expected[..], changed(fields, Plan::Varies));
        assert_eq!(expected[..4], changed(fields, Plan::Unchanged));
        let weak = changed(&[(b"ETag", b"W/\"a\"")], Plan::Compress(Coding::Gzip));
        assert_eq!(["ETag: W/\"a\"", "Content-Encoding: gzip", "Vary: Accept-Encoding"][..], weak);
    }

    #[test]
    fn rfc9110_12_5_5_vary_is_merged() {
        for (given, expected) in [
            (&["Cookie"][..], &["Cookie, Accept-Encoding"][..]),
            (&["Cookie", "Origin"], &["Cookie, Accept-Encoding", "Origin"]),
            (&["cookie, accept-encoding"], &["cookie, accept-encoding"]),
            (&["Cookie", "Accept-Encoding"], &["Cookie", "Accept-Encoding"]),
            (&["*"], &["*"]),
            (&[""], &["Accept-Encoding"]),
            (&[], &["Accept-Encoding"]),
        ] {
            let fields: Vec<FieldRef<'_>> = given.iter().map(|value| (&b"Vary"[..], value.as_bytes())).collect();
            let expected: Vec<String> = expected.iter().map(|value| format!("Vary: {value}")).collect();
            assert_eq!(expected, changed(&fields, Plan::Varies), "{given:?}");
        }
    }
}
