//! Checks the chunked decoder: its result does not depend on the pieces of a body, and encoded data is decoded
//! unchanged.

use ropewalk_engine::http1::chunked::{Chunked, Step};
use ropewalk_engine::http1::encode;
use ropewalk_engine::{Field, Limits};

use crate::head::check_field;
use crate::splits;

/// Checks the chunked decoder with one input: as a body to decode, and as data to encode.
pub fn check(input: &[u8]) {
    let limits = Limits { chunk_extensions: 24, trailer_size: 128, trailer_fields: 3, ..Limits::default() };
    let [whole, others @ ..] = splits::ways(input).map(|pieces| decode(&pieces, &limits));
    for other in others {
        assert_eq!(whole, other, "the outcome depends on the pieces of {:?}", input.escape_ascii().to_string());
    }
    check_decoded(input, &whole);
    check_round_trip(input, &limits);
}

/// The result of decoding a body.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The body is incomplete.
    Open,
    Refused(&'static str),
    /// The body is complete: its encoded size in bytes, and its trailers.
    Done(usize, Vec<Field>),
}

fn decode(pieces: &[&[u8]], limits: &Limits) -> Decoded {
    let mut decoder = Chunked::default();
    let mut data = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match decoder.step(&mut rest, limits) {
                Ok(Step::Data(length)) => {
                    let (part, behind) = rest.split_at(length);
                    data.extend_from_slice(part);
                    decoder.consumed(length);
                    rest = behind;
                }
                Ok(Step::More) => break,
                Ok(Step::Done) => {
                    let used = used + piece.len() - rest.len();
                    return Decoded { data, end: End::Done(used, decoder.into_trailers()) };
                }
                Err(reason) => return Decoded { data, end: End::Refused(reason) },
            }
        }
        assert!(rest.is_empty(), "a decoder that needs more has consumed all its input");
        used += piece.len();
    }
    Decoded { data, end: End::Open }
}

fn check_decoded(input: &[u8], decoded: &Decoded) {
    assert!(decoded.data.len() <= input.len());
    let End::Done(used, trailers) = &decoded.end else { return };
    assert!(input[..*used].ends_with(b"\r\n"));
    assert!(trailers.len() <= 3);
    for (name, value) in trailers {
        check_field(name, value);
        let name: &[u8] = name;
        assert!(![&b"transfer-encoding"[..], b"content-length", b"host", b"authorization"].contains(&name));
    }
}

/// Checks that data in chunks of any size is decoded unchanged, and that no byte after the body is consumed.
fn check_round_trip(data: &[u8], limits: &Limits) {
    let [_, _, chunks] = splits::ways(data);
    let mut coded = Vec::new();
    for chunk in chunks {
        encode::chunk_size(&mut coded, chunk.len());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\nX-Sum: 1\r\nHost: a\r\n\r\n");
    let used = coded.len();
    coded.extend_from_slice(b"0\r\n\r\n");
    let trailers = vec![("x-sum".into(), "1".into())];
    for pieces in splits::ways(&coded) {
        let expected = Decoded { data: data.to_vec(), end: End::Done(used, trailers.clone()) };
        assert_eq!(expected, decode(&pieces, limits));
    }
}
