//! Tests proxies in front of the engine: which proxies it trusts, and the origin of a request.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;

use ropewalk_engine::access_log::Style;
use ropewalk_engine::event::Event;
use ropewalk_engine::proxies::{Family, Proxies, Trusted};
use ropewalk_engine::redaction::Redaction;
use ropewalk_engine::{Address, Body, Head, Limits, Report, Severity};

use crate::harness::{Client, End, GET, Stream, World};

const LINE: &str = "PROXY TCP4 192.0.2.1 198.51.100.1 1234 443\r\n";

/// A version 2 header for the same client over TLS. The TLV PP2_TYPE_SSL follows the addresses.
const BLOCK: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14\xc0\x00\x02\x01\xc6\x33\x64\x01\x04\xd2\x01\xbb\
    \x20\x00\x05\x01\x00\x00\x00\x00";

fn proxies(addresses: &[&str], headers: Option<Family>, protocol: bool) -> Proxies {
    let mut trusted = Trusted::default();
    for address in addresses {
        trusted.add(address).unwrap();
    }
    Proxies { trusted, headers, host: true, protocol }
}

/// Makes an engine whose connections begin with a PROXY protocol header.
fn world_with_proxy_header() -> World {
    world_with(proxies(&["127.0.0.1"], None, true), Limits::default())
}

fn world_with(proxies: Proxies, limits: Limits) -> World {
    let mut world = World::with(limits);
    world.engine.set_proxies(Some(proxies));
    world.engine.set_debug(true);
    world
}

/// Makes an engine that trusts the fields of one family from peers at 127.0.0.1.
fn world_trusting(family: Family) -> World {
    world_with(proxies(&["127.0.0.1", "10.0.0.0/8"], Some(family), false), Limits::default())
}

fn inet(text: &str) -> Address {
    Address::Inet(text.parse().unwrap())
}

/// Sends a request with these fields. Returns the client's address, whether the client used TLS, and the host.
fn origin_of(world: &mut World, fields: &str) -> (Address, bool, String) {
    let mut client = world.connect();
    client.send(format!("GET / HTTP/1.1\r\nHost: inside\r\n{fields}\r\n"));
    let (id, head) = world.head();
    world.ok(id, "");
    facts(&head)
}

#[test]
fn x_forwarded_host_is_read_only_where_it_is_configured() {
    let trusted = proxies(&["127.0.0.1"], Some(Family::XForwarded), false);
    for (host, expected) in [(true, "outside"), (false, "inside")] {
        let mut world = world_with(Proxies { host, ..trusted.clone() }, Limits::default());
        assert_eq!(expected, origin_of(&mut world, "X-Forwarded-Host: outside\r\n").2);
    }
}

fn facts(head: &Head) -> (Address, bool, String) {
    let origin = head.origin().unwrap();
    (origin.client.clone(), origin.secure, String::from_utf8(head.host().to_vec()).unwrap())
}

fn reports(world: &mut World) -> Vec<String> {
    let mut messages = Vec::new();
    world.events.retain(|event| match event {
        Event::Report(Report { severity: Severity::Debug, code: "RW510", message }) => {
            messages.push(message.clone());
            false
        }
        _ => true,
    });
    messages
}

mod fields {
    use super::*;

    #[test]
    fn no_proxy_is_trusted_by_default() {
        let mut world = World::new();
        let mut client = world.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: b\r\n\r\n");
        let (_, head) = world.head();
        assert_eq!(None, head.origin());
        assert_eq!(b"a", head.host());
    }

    #[test]
    fn x_forwarded_fields_are_read_from_a_trusted_peer() {
        let mut world = world_trusting(Family::XForwarded);
        let origin = origin_of(
            &mut world,
            "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-For: 10.0.0.1\r\n\
             X-Forwarded-Proto: http, HTTPS\r\nX-Forwarded-Host: evil, example.com:8443\r\nForwarded: for=6.6.6.6\r\n",
        );
        assert_eq!((inet("192.0.2.1:0"), true, "example.com:8443".into()), origin);
    }

    #[test]
    fn forwarded_is_read_from_a_trusted_peer() {
        let mut world = world_trusting(Family::Forwarded);
        let origin = origin_of(
            &mut world,
            "Forwarded: for=6.6.6.6;host=evil;proto=http, for=\"192.0.2.1:7\";host=\"example.com:8443\"\r\n\
             Forwarded: for=10.0.0.1;proto=https\r\nX-Forwarded-For: 6.6.6.6\r\n",
        );
        assert_eq!((inet("192.0.2.1:7"), true, "example.com:8443".into()), origin);
    }

    #[test]
    fn the_element_nearest_to_the_client_is_used() {
        let mut world = world_trusting(Family::Forwarded);
        let origin =
            origin_of(&mut world, "Forwarded: for=192.0.2.1;host=a;proto=https, for=10.0.0.1;host=b;proto=http\r\n");
        assert_eq!((inet("192.0.2.1:0"), true, "a".into()), origin);
    }

    #[test]
    fn fields_of_untrusted_peers_are_not_read() {
        for family in [Family::XForwarded, Family::Forwarded] {
            let mut world = world_with(proxies(&["192.0.2.1"], Some(family), false), Limits::default());
            let (client, secure, host) = origin_of(
                &mut world,
                "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: \"\r\n\
                 Forwarded: for=192.0.2.1;proto=https;host=b;;;=\r\n",
            );
            assert!(matches!(client, Address::Inet(SocketAddr::V4(address)) if address.ip().is_loopback()));
            assert_eq!((false, "inside".into()), (secure, host));
        }
    }

    #[test]
    fn a_proxy_that_reports_nothing_is_the_client() {
        for family in [Family::XForwarded, Family::Forwarded] {
            let mut world = world_trusting(family);
            let mut client = world.connect();
            client.send(GET);
            let (_, head) = world.head();
            assert_eq!(inet(&client.stream.local_addr().unwrap().to_string()), facts(&head).0);
            assert_eq!((&facts(&head).0, false), (head.peer(), head.is_secure()));
        }
    }

    #[test]
    fn a_client_that_is_not_reported_is_unknown() {
        for (family, fields) in [
            (Family::XForwarded, "X-Forwarded-For: 6.6.6.6, unknown\r\n"),
            (Family::XForwarded, "X-Forwarded-For: 6.6.6.6, nonsense, 10.0.0.1\r\n"),
            (Family::Forwarded, "Forwarded: for=6.6.6.6, for=unknown\r\n"),
            (Family::Forwarded, "Forwarded: for=6.6.6.6, for=_hidden, for=10.0.0.1\r\n"),
            (Family::Forwarded, "Forwarded: for=6.6.6.6, proto=http\r\n"),
        ] {
            assert_eq!(Address::Unknown, origin_of(&mut world_trusting(family), fields).0, "{fields}");
        }
    }

    #[test]
    fn malformed_fields_of_a_trusted_peer_are_refused() {
        for (family, field) in [
            (Family::XForwarded, "X-Forwarded-Host: a b"),
            (Family::XForwarded, "X-Forwarded-Host: example.com, u@evil"),
            (Family::XForwarded, "X-Forwarded-Proto: ftp"),
            (Family::Forwarded, "Forwarded: for=\"; for=192.0.2.1"),
            (Family::Forwarded, "Forwarded: for=192.0.2.1;host=\"a/b\""),
            (Family::Forwarded, "Forwarded: for=192.0.2.1;proto=ftp"),
        ] {
            let mut world = world_trusting(family);
            let mut client = world.connect();
            client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n{GET}"));
            assert_eq!(400, world.response(&mut client).status, "{field}");
            assert_eq!(End::Orderly, world.ended(&mut client));
            assert_eq!(1, reports(&mut world).len());
            assert!(world.events.is_empty(), "a request after the refused one was served");
        }
    }

    #[test]
    fn a_pipe_may_have_a_trusted_peer() {
        let mut world = world_trusting(Family::XForwarded);
        let pipe = world.engine.open_pipe(inet("[::ffff:10.0.0.9]:5"), Address::Unknown, true);
        let fields = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n";
        world.engine.feed_pipe(pipe, format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes());
        world.turn();
        let (_, head) = world.head();
        assert_eq!((inet("192.0.2.1:0"), false, "a".into()), facts(&head));
        assert_eq!((&inet("[::ffff:10.0.0.9]:5"), true), (head.peer(), head.is_secure()));
    }

    #[test]
    fn unix_sockets_may_be_trusted() {
        for (trusted, expected) in [("unix", inet("192.0.2.1:0")), ("127.0.0.1", Address::Unix(None))] {
            let mut world = world_with(proxies(&[trusted], Some(Family::XForwarded), false), Limits::default());
            let mut client = world.adopt(b"");
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
            assert_eq!(expected, facts(&world.head().1).0);
        }
    }

    #[test]
    fn the_access_log_has_the_client() {
        let mut world = world_trusting(Family::XForwarded);
        world.engine.set_access_log(Some(Style::Combined), Redaction::new([]));
        origin_of(&mut world, "X-Forwarded-For: 192.0.2.1\r\n");
        origin_of(&mut world, "X-Forwarded-For: unknown\r\n");
        let log = String::from_utf8(world.engine.access_log().unwrap().take()).unwrap();
        let clients: Vec<_> = log.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(vec!["192.0.2.1", "-"], clients);
    }
}

mod protocol {
    use super::*;

    /// Checks that the engine closes a connection without a response.
    fn dropped<S: Stream>(world: &mut World, client: &mut Client<S>) {
        world.ended(client);
        assert_eq!("", client.text());
        world.settle();
        assert_eq!(1, reports(world).len());
        assert_eq!((1, 0), (world.engine.counters().refused, world.engine.connections()));
        assert!(world.events.is_empty(), "something was served");
    }

    #[test]
    fn a_version_1_header_reports_the_client() {
        let mut world = world_with_proxy_header();
        let mut client = world.connect();
        client.send(format!("{LINE}{GET}"));
        let (id, head) = world.head();
        assert_eq!((inet("192.0.2.1:1234"), false, "a".into()), facts(&head));
        let proxy = Address::Inet(client.stream.local_addr().unwrap());
        assert_eq!(&proxy, head.peer());
        assert_eq!(Some(inet("198.51.100.1:443")), world.engine.local(id));
        world.ok(id, "first");
        assert_eq!((200, "first"), world.response(&mut client).brief());
        client.send(GET);
        assert_eq!(inet("192.0.2.1:1234"), facts(&world.head().1).0, "the setting applies to the whole connection");
    }

    #[test]
    fn a_version_2_header_reports_tls() {
        let mut world = world_with_proxy_header();
        let mut client = world.connect();
        client.send([BLOCK, GET.as_bytes()].concat());
        assert_eq!((inet("192.0.2.1:1234"), true, "a".into()), facts(&world.head().1));
    }

    #[test]
    fn the_header_may_arrive_in_any_pieces() {
        let mut world = world_with_proxy_header();
        for header in [LINE.as_bytes(), BLOCK] {
            let bytes = [header, GET.as_bytes()].concat();
            for split in 1..bytes.len() {
                let mut client = world.connect();
                client.send(&bytes[..split]);
                world.settle();
                client.send(&bytes[split..]);
                let (id, head) = world.head();
                assert_eq!(inet("192.0.2.1:1234"), facts(&head).0, "split at {split}");
                world.ok(id, "");
                world.response(&mut client);
            }
            let mut client = world.connect();
            for byte in &bytes {
                client.send([*byte]);
                world.settle();
            }
            let (id, _) = world.head();
            world.ok(id, "");
            world.response(&mut client);
        }
        assert_eq!(0, world.engine.counters().refused);
    }

    #[test]
    fn an_adopted_socket_begins_with_the_header_too() {
        let mut world = world_with(proxies(&["unix"], None, true), Limits::default());
        let mut client = world.adopt(&LINE.as_bytes()[..10]);
        client.send(&LINE[10..]);
        client.send(GET);
        assert_eq!(inet("192.0.2.1:1234"), facts(&world.head().1).0);
    }

    const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";
    const UNSPECIFIED: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x00";

    #[test]
    fn a_connection_of_the_proxy_itself_keeps_its_addresses() {
        let mut world = world_with_proxy_header();
        let mut client = world.connect();
        client.send([LOCAL, GET.as_bytes()].concat());
        let (id, head) = world.head();
        assert_eq!(Address::Inet(client.stream.local_addr().unwrap()), facts(&head).0);
        assert_eq!(Some(inet(&world.address.to_string())), world.engine.local(id));
    }

    #[test]
    fn a_client_that_is_not_described_is_unknown() {
        let mut world = world_with_proxy_header();
        for header in [&b"PROXY UNKNOWN\r\n"[..], UNSPECIFIED] {
            let mut client = world.connect();
            client.send([header, GET.as_bytes()].concat());
            let (id, head) = world.head();
            assert_eq!(Address::Unknown, facts(&head).0);
            assert_eq!(Some(inet(&world.address.to_string())), world.engine.local(id));
            world.ok(id, "");
        }
    }

    #[test]
    fn fields_are_not_read_where_the_header_reports_no_trusted_client() {
        let on_a_unix_socket = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x31\x00\xd8/run/a"[..], &[0; 210]].concat();
        let trusted = proxies(&["127.0.0.1", "unix"], Some(Family::XForwarded), true);
        let mut world = world_with(trusted, Limits::default());
        for header in [&b"PROXY UNKNOWN\r\n"[..], UNSPECIFIED, LOCAL, &on_a_unix_socket] {
            let mut client = world.connect();
            client.send(header);
            client.send(
                "GET / HTTP/1.1\r\nHost: inside\r\nX-Forwarded-For: 192.0.2.6\r\nX-Forwarded-Proto: https\r\n\r\n",
            );
            let (id, head) = world.head();
            let (origin, secure, _) = facts(&head);
            assert_eq!((false, false), (origin == inet("192.0.2.6:0"), secure));
            world.ok(id, "");
        }
    }

    #[test]
    fn a_connection_without_the_header_is_dropped() {
        for start in [GET.as_bytes(), b"G", b"PROXY TCP4 nonsense\r\n", b"\r\n\r\nGET", b"PROXY UNKNOWN\n"] {
            let mut world = world_with_proxy_header();
            let mut client = world.connect();
            client.send(start);
            dropped(&mut world, &mut client);
        }
    }

    #[test]
    fn an_adopted_socket_without_the_header_is_dropped() {
        let mut world = world_with(proxies(&["unix"], None, true), Limits::default());
        let mut client = world.adopt(GET.as_bytes());
        dropped(&mut world, &mut client);
    }

    #[test]
    fn an_untrusted_peer_is_dropped_at_once() {
        let mut world = world_with(proxies(&["192.0.2.0/24"], None, true), Limits::default());
        let mut client = world.connect();
        dropped(&mut world, &mut client);
        let mut world = world_with_proxy_header();
        let mut client: Client<UnixStream> = world.adopt(LINE.as_bytes());
        dropped(&mut world, &mut client);
    }

    #[test]
    fn a_second_header_is_refused() {
        let mut world = world_with_proxy_header();
        let mut client = world.connect();
        client.send(format!("{LINE}{LINE}{GET}"));
        assert_eq!(400, world.response(&mut client).status);
        assert_eq!(
            vec!["192.0.2.1:1234: 400 the request line is not a method, a target and a version"],
            reports(&mut world)
        );
    }

    #[test]
    fn the_header_shares_the_deadline_of_the_head() {
        let mut world =
            world_with(proxies(&["127.0.0.1"], None, true), Limits { head_timeout: 300, ..Limits::default() });
        let mut client = world.connect();
        client.send(&LINE[..20]);
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert_eq!("", client.text());
        assert_eq!(1, world.engine.counters().head_timeouts);
        let mut client = world.connect();
        client.send(LINE);
        assert_eq!(End::Orderly, world.ended(&mut client));
        let mut client = world.connect();
        client.send(format!("{LINE}GET /"));
        assert_eq!(408, world.response(&mut client).status);
        assert_eq!(3, world.engine.counters().head_timeouts);
    }

    #[test]
    fn a_client_that_leaves_within_the_header_is_gone() {
        let mut world = world_with_proxy_header();
        let client = world.connect();
        drop(client);
        let mut client = world.connect();
        client.send(&LINE[..20]);
        client.stream.shut_down_writing();
        assert_eq!(End::Orderly, world.ended(&mut client));
        world.until("the end of both", |world| world.engine.connections() == 0);
    }

    #[test]
    fn a_pipe_has_no_header() {
        let mut world = world_with_proxy_header();
        let pipe = world.engine.open_pipe(inet("192.0.2.7:5"), Address::Unknown, true);
        world.engine.feed_pipe(pipe, GET.as_bytes());
        world.turn();
        let (id, head) = world.head();
        assert_eq!((inet("192.0.2.7:5"), true, "a".into()), facts(&head));
        world.engine.respond(id, 200, &[], Body::Slice(b"")).unwrap();
    }

    #[test]
    fn fields_are_read_where_the_reported_client_is_trusted() {
        let trusted = proxies(&["127.0.0.1", "192.0.2.1"], Some(Family::XForwarded), true);
        let mut world = world_with(trusted, Limits::default());
        let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n";
        let mut client = world.connect();
        client.send(format!("{LINE}{request}"));
        assert_eq!(inet("203.0.113.5:0"), facts(&world.head().1).0);
        let mut client = world.connect();
        client.send(format!("PROXY TCP4 192.0.2.2 198.51.100.1 1234 443\r\n{request}"));
        assert_eq!(inet("192.0.2.2:1234"), facts(&world.head().1).0);
    }

    #[test]
    fn the_access_log_has_the_client() {
        let mut world = world_with_proxy_header().echoing_targets();
        world.engine.set_access_log(Some(Style::Combined), Redaction::new([]));
        let mut client = world.connect();
        client.send(format!("{LINE}{GET}nonsense\r\n\r\n"));
        world.response(&mut client);
        world.response(&mut client);
        let log = String::from_utf8(world.engine.access_log().unwrap().take()).unwrap();
        assert_eq!(2, log.lines().filter(|line| line.starts_with("192.0.2.1 - - [")).count(), "{log}");
    }
}
