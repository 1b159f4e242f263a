//! Tests compressed responses: whole, large, streamed, from files, and their back pressure.

use std::io::{Read as _, Seek as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use flate2::read::GzDecoder;
use ropewalk_engine::access_log::Style;
use ropewalk_engine::event::Event;
use ropewalk_engine::redaction::Redaction;
use ropewalk_engine::{Body, CommandError, Compression, ExchangeId, FieldRef, Head, Limits, Pressure};

use crate::harness::{Client, Response, World};

const TEXT: &[FieldRef<'static>] = &[(b"Content-Type", b"text/plain"), (b"ETag", b"\"a\"")];

fn request(method: &str, accepts: &str) -> String {
    format!("{method} / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepts}\r\n\r\n")
}

/// Sends a request, and returns its exchange.
fn open(world: &mut World, method: &str, accepts: &str) -> (Client<TcpStream>, ExchangeId, Box<Head>) {
    let mut client = world.connect();
    client.send(request(method, accepts));
    let (id, head) = world.head();
    (client, id, head)
}

/// Returns lines that compress well.
fn lines(size: usize) -> Vec<u8> {
    (0..).flat_map(|number: u32| format!("line {number}\n").into_bytes()).take(size).collect()
}

/// Returns bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn decoded(response: &Response) -> Vec<u8> {
    let mut result = Vec::new();
    let body = &response.body[..];
    match response.field("content-encoding") {
        Some("gzip") => GzDecoder::new(body).read_to_end(&mut result).unwrap(),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut result).unwrap(),
        Some("zstd") => zstd::stream::read::Decoder::new(body).unwrap().read_to_end(&mut result).unwrap(),
        other => panic!("the coding {other:?}"),
    };
    result
}

fn file(content: &[u8]) -> std::fs::File {
    let path = std::env::temp_dir().join(format!("ropewalk-z-{}-{}", std::process::id(), content.len()));
    let mut file = std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn whole_bodies_of_every_coding_and_size() {
    let mut world = World::new();
    for coding in ["gzip", "br", "zstd"] {
        for size in [1024, 65_536, 65_537, 1_000_000] {
            for shared in [true, false] {
                let content = lines(size);
                let (mut client, id, head) = open(&mut world, "GET", coding);
                let body = if shared { Body::Shared(content.clone().into()) } else { Body::Slice(&content) };
                world.engine.respond_compressed(id, &head, 200, TEXT, body).unwrap();
                let response = world.response(&mut client);
                assert_eq!(content, decoded(&response), "{coding} {size}");
                assert_eq!(Some("Accept-Encoding"), response.field("vary"));
                assert_eq!(Some("W/\"a\""), response.field("etag"));
                assert_eq!(size <= 65_536, response.field("content-length").is_some(), "{coding} {size}");
            }
        }
    }
    assert_eq!(0, world.engine.encoders());
}

#[test]
fn what_is_not_compressed() {
    let mut world = World::new();
    for (accepts, content, vary) in [
        ("gzip", lines(1023), None),
        ("foo", lines(1024), Some("Accept-Encoding")),
        ("gzip;q=0", lines(1024), Some("Accept-Encoding")),
        ("gzip", noise(2000), Some("Accept-Encoding")),
    ] {
        let (mut client, id, head) = open(&mut world, "GET", accepts);
        world.engine.respond_compressed(id, &head, 200, TEXT, Body::Slice(&content)).unwrap();
        let response = world.response(&mut client);
        assert_eq!((content, vary), (response.body.clone(), response.field("vary")));
        assert_eq!((None, Some("\"a\"")), (response.field("content-encoding"), response.field("etag")));
    }
}

#[test]
fn rfc9110_9_3_2_head_has_the_fields_of_get() {
    let mut world = World::new();
    for size in [1024, 100_000] {
        let content = lines(size);
        let mut heads = Vec::new();
        for method in ["GET", "HEAD"] {
            let (mut client, id, head) = open(&mut world, method, "gzip");
            world.engine.respond_compressed(id, &head, 200, TEXT, Body::Slice(&content)).unwrap();
            let response = if method == "GET" { world.response(&mut client) } else { world.head_response(&mut client) };
            let names = ["content-length", "transfer-encoding", "content-encoding", "etag", "vary"];
            heads.push(names.map(|name| response.field(name).map(str::to_owned)));
        }
        assert_eq!(heads[0], heads[1]);
    }
    // A handler for HEAD may announce the length of the body that GET would have.
    let (mut client, id, head) = open(&mut world, "HEAD", "gzip");
    let fields = [TEXT, &[(b"Content-Length", b"5000")]].concat();
    world.engine.respond_compressed(id, &head, 200, &fields, Body::Slice(b"")).unwrap();
    let response = world.head_response(&mut client);
    assert_eq!((Some("gzip"), None), (response.field("content-encoding"), response.field("content-length")));
    assert_eq!(0, world.engine.encoders());
}

#[test]
fn a_wrong_length_stays_an_error() {
    let mut world = World::new();
    let (_client, id, head) = open(&mut world, "GET", "gzip");
    let fields = [TEXT, &[(b"Content-Length", b"5000")]].concat();
    let outcome = world.engine.respond_compressed(id, &head, 200, &fields, Body::Slice(&lines(4999)));
    assert_eq!(Err(CommandError::Length { announced: 5000, written: 4999 }), outcome);
}

#[test]
fn files_are_compressed_up_to_their_limit() {
    let mut world = World::new();
    world.engine.set_compression(Compression { file_size: 200_000, ..Compression::default() });
    for (size, compressed) in [(1000, false), (10_000, true), (60_000, true), (200_000, true), (200_001, false)] {
        let content = lines(size + 7);
        let (mut client, id, head) = open(&mut world, "GET", "br");
        let body = Body::File { file: OwnedFd::from(file(&content)), offset: 7, length: size as u64 };
        world.engine.respond_compressed(id, &head, 200, TEXT, body).unwrap();
        let response = world.response(&mut client);
        assert_eq!(compressed, response.field("content-encoding").is_some(), "{size}");
        assert_eq!(content[7..], if compressed { decoded(&response) } else { response.body.clone() });
    }
}

#[test]
fn each_part_of_a_stream_can_be_decoded_at_once() {
    for coding in ["gzip", "br", "zstd"] {
        let mut world = World::new();
        let (mut client, id, head) = open(&mut world, "GET", coding);
        let fields: &[FieldRef<'_>] = &[(b"Content-Type", b"text/event-stream")];
        world.engine.begin_compressed(id, &head, 200, fields, None).unwrap();
        let mut sizes = Vec::new();
        for number in 0..3 {
            let event = format!("data: {number}\n\n");
            assert_eq!(Ok(Pressure::Low), world.engine.write(id, event.into()));
            world.settle();
            client.read();
            sizes.push(client.text().len());
        }
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
        assert_eq!(1, world.engine.encoders());
        world.engine.end(id, &[(b"X", b"y")]).unwrap();
        let response = world.response(&mut client);
        assert_eq!(b"data: 0\n\ndata: 1\n\ndata: 2\n\n".to_vec(), decoded(&response));
        assert_eq!("X: y\r\n", response.trailers);
        assert_eq!(0, world.engine.encoders());
    }
}

#[test]
fn a_large_part_makes_its_writer_wait_and_takes_several_turns() {
    let mut world = World::new();
    let (mut client, id, head) = open(&mut world, "GET", "gzip");
    world.engine.begin_compressed(id, &head, 200, TEXT, None).unwrap();
    let content = lines(3_000_000);
    assert_eq!(Ok(Pressure::High), world.engine.write(id, content.clone().into()));
    assert_eq!(Pressure::High, world.engine.pressure(id));
    assert!(world.engine.has_work());
    let mut writable = 0;
    world.until("the end of the input", |world| {
        client.read();
        writable += world.events.drain(..).filter(|event| matches!(event, Event::Writable(_))).count();
        writable > 0
    });
    assert_eq!(Pressure::Low, world.engine.pressure(id));
    world.engine.end(id, &[]).unwrap();
    assert_eq!(content, decoded(&world.response(&mut client)));
}

#[test]
fn the_input_waits_while_the_client_reads_nothing() {
    let mut world = World::with(Limits { write_buffer: 50_000, ..Limits::default() });
    // The buffer of a socket pair is small.
    let mut client = world.adopt(request("GET", "gzip").as_bytes());
    let (id, head) = world.head();
    let content = noise(1_000_000);
    world.engine.respond_compressed(id, &head, 200, TEXT, Body::Shared(Bytes::from(content.clone()))).unwrap();
    world.settle();
    assert!(!world.engine.compresses(), "the queue of the output is full");
    assert_eq!(1, world.engine.encoders());
    assert_eq!(content, decoded(&world.response(&mut client)));
    assert_eq!(0, world.engine.encoders());
}

#[test]
fn an_encoder_is_freed_when_its_client_leaves() {
    let mut world = World::new();
    let (client, id, head) = open(&mut world, "GET", "zstd");
    world.engine.begin_compressed(id, &head, 200, TEXT, None).unwrap();
    world.engine.write(id, "part".into()).unwrap();
    assert_eq!(1, world.engine.encoders());
    drop(client);
    world.until("the end of the connection", |world| world.engine.connections() == 0);
    assert_eq!(0, world.engine.encoders());
    assert_eq!(Err(CommandError::Gone), world.engine.write(id, "part".into()));
}

#[test]
fn only_so_many_streams_are_compressed() {
    let mut world = World::new();
    world.engine.set_compression(Compression { streams: 1, ..Compression::default() });
    let (_first, id, head) = open(&mut world, "GET", "gzip");
    world.engine.begin_compressed(id, &head, 200, TEXT, None).unwrap();
    let (mut second, id, head) = open(&mut world, "GET", "gzip");
    world.engine.begin_compressed(id, &head, 200, TEXT, None).unwrap();
    world.engine.write(id, "plain".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    let response = world.response(&mut second);
    assert_eq!(("plain", None), (response.text(), response.field("content-encoding")));
    assert_eq!(Some("Accept-Encoding"), response.field("vary"));
}

#[test]
fn pipelined_responses_keep_their_order() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([request("GET", "gzip"), request("GET", "br"), request("GET", "foo")].concat());
    for size in [500_000, 2000, 3000] {
        let (id, head) = world.head();
        world.engine.respond_compressed(id, &head, 200, TEXT, Body::Slice(&lines(size))).unwrap();
        world.settle();
    }
    assert_eq!(lines(500_000), decoded(&world.response(&mut client)));
    assert_eq!(lines(2000), decoded(&world.response(&mut client)));
    assert_eq!(lines(3000), world.response(&mut client).body);
}

#[test]
fn a_client_of_http_1_0_gets_a_compressed_body_without_chunks() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
    let (id, head) = world.head();
    world.engine.respond_compressed(id, &head, 200, TEXT, Body::Slice(&lines(200_000))).unwrap();
    world.ended(&mut client);
    let text = client.text();
    assert!(text.contains("Content-Encoding: gzip") && !text.contains("chunked"));
}

#[test]
fn a_large_body_does_not_delay_another_response() {
    let mut world = World::new();
    let (mut slow, id, head) = open(&mut world, "GET", "gzip");
    let content = lines(8_000_000);
    world.engine.respond_compressed(id, &head, 200, TEXT, Body::Shared(content.clone().into())).unwrap();
    let (mut fast, id, _) = open(&mut world, "GET", "gzip");
    world.ok(id, "small");
    assert_eq!("small", world.response(&mut fast).text());
    assert!(world.engine.compresses(), "the large body was compressed as a whole before");
    world.engine.abort(id).unwrap_err();
    slow.read();
    drop(slow);
    world.until("the end of the large body", |world| world.engine.encoders() == 0);
}

#[test]
fn the_access_log_has_the_bytes_that_were_sent() {
    let mut world = World::new();
    world.engine.set_access_log(Some(Style::Combined), Redaction::new([]));
    let mut sizes = Vec::new();
    for size in [5000, 200_000] {
        let (mut client, id, head) = open(&mut world, "GET", "gzip");
        world.engine.respond_compressed(id, &head, 200, TEXT, Body::Slice(&lines(size))).unwrap();
        sizes.push(world.response(&mut client).body.len());
    }
    let log = String::from_utf8(world.engine.access_log().unwrap().take()).unwrap();
    for (line, size) in log.lines().zip(sizes) {
        assert!(line.contains(&format!(" 200 {size} ")), "{line}");
    }
}
