//! Tries every byte value at every position of a few requests, because a fuzzer finds a rule about one byte at one
//! position only by luck.

use ropewalk_fuzz::differential;

/// This request follows each tested one, so that the test notices if a message ends at a different position.
const NEXT: &str = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

fn check_every_byte(request: &str) {
    let whole = [request, NEXT].concat().into_bytes();
    for place in 0..request.len() {
        for byte in 0..=u8::MAX {
            let mut changed = whole.clone();
            changed[place] = byte;
            differential::check(&changed);
            let mut longer = whole.clone();
            longer.insert(place, byte);
            differential::check(&longer);
        }
    }
}

#[test]
fn of_a_head() {
    check_every_byte("PUT /a?b HTTP/1.1\r\nHost: a:8\r\nX-Y: v w\r\nContent-Length: 2\r\n\r\nhi");
}

#[test]
fn of_an_older_head() {
    check_every_byte("OPTIONS http://a/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
}

#[test]
fn of_chunks() {
    check_every_byte(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c=\"d\"\r\nx\r\n0;e\r\nSum: 1\r\n\r\n",
    );
}
