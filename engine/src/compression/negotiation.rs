//! Reads `Accept-Encoding` (RFC 9110, section 12.5.3), and chooses a coding. Every field is read once, in linear time.

use super::coding::Coding;

/// The weight of an element without `q`, in thousandths.
const FULL: u16 = 1000;

/// Which codings a client accepts, with their weights in thousandths. 0 means that the coding is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The weights of [`Coding::ALL`], in its order. None if the client does not name the coding.
    weights: [Option<u16>; Coding::ALL.len()],
    identity: Option<u16>,
    /// The weight of `*`: all codings that are not named.
    others: Option<u16>,
}

impl Accepted {
    /// Reads the values of all `Accept-Encoding` lines. An element with an invalid weight is ignored. If a coding is
    /// named twice, the last element counts.
    pub fn parse<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut accepted = Accepted::default();
        for value in values {
            for element in value.split(|&byte| byte == b',') {
                accepted.add(element);
            }
        }
        accepted
    }

    fn add(&mut self, element: &[u8]) {
        let mut parts = element.splitn(2, |&byte| byte == b';');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let Some(weight) = parts.next().map_or(Some(FULL), parse_weight) else { return };
        if name == b"*" {
            self.others = Some(weight);
        } else if name.eq_ignore_ascii_case(b"identity") {
            self.identity = Some(weight);
        } else if let Some(coding) = Coding::named(name) {
            self.weights[coding as usize] = Some(weight);
        }
    }

    /// Whether the client does not accept an uncompressed body: `identity;q=0`, or `*;q=0` without `identity`.
    pub fn refuses_identity(&self) -> bool {
        self.identity.or(self.others) == Some(0)
    }

    /// Chooses from these codings, in the server's order of preference. None if the client accepts none of them, or
    /// prefers an uncompressed body.
    ///
    /// The coding with the highest weight is chosen. Among equal weights, a coding that the client names comes before
    /// one that only `*` stands for. Among the latter, gzip comes first, because every client decodes it.
    pub fn choose(&self, codings: impl Iterator<Item = Coding>) -> Option<Coding> {
        let mut best: Option<((u16, u8), Coding)> = None;
        for coding in codings {
            let rank = match (self.weights[coding as usize], self.others) {
                (Some(weight), _) => (weight, 2),
                (None, Some(weight)) => (weight, u8::from(coding == Coding::Gzip)),
                (None, None) => continue,
            };
            if rank.0 > 0 && best.is_none_or(|(found, _)| rank > found) {
                best = Some((rank, coding));
            }
        }
        let ((weight, _), coding) = best?;
        self.identity.is_none_or(|identity| identity <= weight).then_some(coding)
    }
}

/// Parses the part of an element after the first `;`. Returns the weight in thousandths, or None if it is not exactly
/// one valid weight (RFC 9110, section 12.4.2).
fn parse_weight(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', value @ ..] = parameter.trim_ascii() else { return None };
    let (whole, digits) = match value {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', digits @ ..] if digits.len() <= 3 => (whole, digits),
        _ => return None,
    };
    let mut weight = u16::from(whole - b'0') * FULL;
    for (digit, unit) in digits.iter().zip([100, 10, 1]) {
        if !digit.is_ascii_digit() {
            return None;
        }
        weight += u16::from(digit - b'0') * unit;
    }
    (weight <= FULL).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(value: &str) -> Option<&'static str> {
        let accepted = Accepted::parse([value.as_bytes()].into_iter());
        accepted.choose(Coding::ALL.into_iter()).map(Coding::name)
    }

    #[test]
    fn rfc9110_12_5_3_the_clients_weights_come_first() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip, deflate, br", Some("br")),
            ("gzip", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("gzip;q=1.0, br;q=0.9, zstd;q=0.8", Some("gzip")),
            ("gzip;q=0.001", Some("gzip")),
            ("gzip;q=0", None),
            ("gzip;q=0.000", None),
            ("gzip ; q=0.5 , br ; Q=0.6", Some("br")),
            ("*", Some("gzip")),
            ("*;q=0", None),
            ("*;q=0, br", Some("br")),
            ("zstd;q=0, *", Some("gzip")),
            ("br;q=0.5, *;q=0.5", Some("br")),
            ("br;q=0.5, *", Some("gzip")),
            ("identity", None),
            ("identity;q=0", None),
            ("identity;q=0, gzip;q=0.1", Some("gzip")),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some("gzip")),
            ("identity, gzip", Some("gzip")),
            ("", None),
            ("deflate", None),
            ("compress, foo;q=1", None),
        ] {
            assert_eq!(expected, chosen(value), "{value:?}");
        }
    }

    #[test]
    fn rfc9110_12_4_2_an_element_with_an_invalid_weight_is_ignored() {
        for weight in ["", "q", "q=", "q=2", "q=1.001", "q=0.0001", "q=-1", "q=1e0", "q=.5", "q=0.5;x=1", "x=1", "q =1"]
        {
            assert_eq!(None, chosen(&format!("gzip;{weight}")), "{weight:?}");
        }
        assert_eq!(Some("br"), chosen("gzip;q=9, br"));
    }

    #[test]
    fn several_lines_are_one_list() {
        let accepted = Accepted::parse([&b"br;q=0"[..], b"gzip"].into_iter());
        assert_eq!(Some(Coding::Gzip), accepted.choose(Coding::ALL.into_iter()));
        assert_eq!(None, accepted.choose([Coding::Brotli].into_iter()));
    }

    #[test]
    fn odd_and_hostile_fields_are_read() {
        for value in [",,,", ";;;", ";q=1", "gzip;", "\"gzip\"", "gzip,;q=0", ", ,\t, br"] {
            let expected = if value.ends_with("br") { Some("br") } else { None };
            let expected = if value == "gzip,;q=0" { Some("gzip") } else { expected };
            assert_eq!(expected, chosen(value), "{value:?}");
        }
        let many = "gzip;q=0.5,".repeat(100_000);
        assert_eq!(Some("gzip"), chosen(&many));
        assert_eq!(None, chosen(&";".repeat(1_000_000)));
    }

    #[test]
    fn identity_may_be_refused() {
        for (value, expected) in
            [("identity;q=0", true), ("*;q=0", true), ("*;q=0, identity", false), ("gzip", false), ("", false)]
        {
            assert_eq!(expected, Accepted::parse([value.as_bytes()].into_iter()).refuses_identity(), "{value:?}");
        }
    }
}
