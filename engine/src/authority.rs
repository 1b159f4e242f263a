//! Checks the authority of a URL. The `Host` field has the same form (RFC 9110, section 7.2; RFC 3986, section 3.2).

use memchr::memchr_iter;

/// Whether a value has the form `host [":" port]`, without userinfo (RFC 9110, section 7.2; RFC 3986, section 3.2.2).
pub(crate) fn is_authority(value: &[u8]) -> bool {
    if value.first() == Some(&b'[') {
        let Some(end) = value.iter().position(|&byte| byte == b']') else { return false };
        let (address, rest) = (&value[1..end], &value[end + 1..]);
        let is_ipv6 = || std::str::from_utf8(address).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        return (is_ipv6() || is_future_address(address))
            && (rest.is_empty() || (rest[0] == b':' && is_port(&rest[1..])));
    }
    let (name, number) = match memchr::memchr(b':', value) {
        Some(at) => (&value[..at], &value[at + 1..]),
        None => (value, &value[value.len()..]),
    };
    !name.is_empty() && is_port(number) && name.iter().all(|&byte| is_registered_name(byte)) && percents_are_plain(name)
}

/// Whether the digits (`*DIGIT`, RFC 3986, section 3.2.3) are a valid port number. Any number of leading zeros is
/// allowed.
fn is_port(digits: &[u8]) -> bool {
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    let number = &digits[zeros..];
    let plain = number.len() <= 5 && number.iter().all(u8::is_ascii_digit);
    plain && number.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')) <= u32::from(u16::MAX)
}

/// Whether an address has the form `IPvFuture` (RFC 3986, section 3.2.2): `v`, a hexadecimal version, a dot, and the
/// address.
fn is_future_address(address: &[u8]) -> bool {
    let Some((b'v' | b'V', rest)) = address.split_first() else { return false };
    let Some(dot) = memchr::memchr(b'.', rest) else { return false };
    let (version, name) = (&rest[..dot], &rest[dot + 1..]);
    let is_name = |byte: u8| byte == b':' || (byte != b'%' && is_registered_name(byte));
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && !name.is_empty()
        && name.iter().copied().all(is_name)
}

/// Whether every `%` is followed by two hexadecimal digits that do not encode a control character.
fn percents_are_plain(name: &[u8]) -> bool {
    memchr_iter(b'%', name).all(|at| match name.get(at + 1..at + 3) {
        Some(&[high, low]) => {
            let control = matches!(high, b'0' | b'1') || (high, low | 0x20) == (b'7', b'f');
            high.is_ascii_hexdigit() && low.is_ascii_hexdigit() && !control
        }
        _ => false,
    })
}

/// Whether a byte may be part of a registered name: `unreserved / pct-encoded / sub-delims` (RFC 3986, section 3.2.2).
/// `,` is excluded, because no host name contains a comma, and a comma would separate the members of a list.
fn is_registered_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&byte)
}
