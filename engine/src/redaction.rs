//! Replaces the values of secret query parameters, such as `token`, in log lines.

use std::borrow::Cow;

/// What a log shows instead of a secret value.
pub const REDACTED: &[u8] = b"[redacted]";

/// The names of secrets. A name in a request is secret if it contains one of them.
///
/// Only letters and digits are compared, and case is ignored. So `API-Key` contains the name `api_key`.
#[derive(Debug, Clone)]
pub struct Redaction {
    names: Vec<Vec<u8>>,
    /// For each byte, whether any secret name begins with it. At most positions of a name in a request, this look-up is
    /// enough.
    first: [bool; 256],
}

impl Redaction {
    /// Makes a redaction of these names. Without names, it changes nothing.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<_> =
            names.into_iter().map(|name| letters(name.as_bytes())).filter(|it| !it.is_empty()).collect();
        let mut first = [false; 256];
        for name in &names {
            first[name[0] as usize] = true;
        }
        Redaction { names, first }
    }

    /// Whether a value with this name is secret. The name may be percent-encoded.
    pub fn is_secret(&self, name: &[u8]) -> bool {
        let name = letters(name);
        (0..name.len()).any(|start| {
            self.first[name[start] as usize] && self.names.iter().any(|secret| name[start..].starts_with(secret))
        })
    }

    /// The URL or request target, with the values of secret query parameters replaced.
    pub fn of_url<'a>(&self, url: &'a [u8]) -> Cow<'a, [u8]> {
        match memchr::memchr(b'?', url) {
            Some(mark) if !self.names.is_empty() => match self.redact(&url[mark + 1..]) {
                Some(query) => Cow::Owned([&url[..=mark], &query].concat()),
                None => Cow::Borrowed(url),
            },
            _ => Cow::Borrowed(url),
        }
    }

    /// The query, with the values of secret parameters replaced.
    pub fn of_query<'a>(&self, query: &'a [u8]) -> Cow<'a, [u8]> {
        self.redact(query).map_or(Cow::Borrowed(query), Cow::Owned)
    }

    /// Replaces the secret values of a query. Returns None if the query has none.
    fn redact(&self, query: &[u8]) -> Option<Vec<u8>> {
        let mut redacted: Option<Vec<u8>> = None;
        let mut start = 0;
        while start < query.len() {
            let end = memchr::memchr3(b'&', b';', b'#', &query[start..]).map_or(query.len(), |length| start + length);
            let pair = &query[start..end];
            let equals = memchr::memchr(b'=', pair);
            match equals {
                Some(equals) if self.is_secret(&pair[..equals]) => {
                    let kept = redacted.get_or_insert_with(|| query[..start].to_vec());
                    kept.extend_from_slice(&pair[..=equals]);
                    kept.extend_from_slice(REDACTED);
                }
                _ => {
                    if let Some(kept) = &mut redacted {
                        kept.extend_from_slice(pair);
                    }
                }
            }
            if let (Some(kept), Some(separator)) = (&mut redacted, query.get(end)) {
                kept.push(*separator);
            }
            start = end + 1;
        }
        redacted
    }
}

/// The letters and digits of a name, decoded and in lower case.
fn letters(name: &[u8]) -> Vec<u8> {
    let mut letters = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [byte, after @ ..] = rest {
        rest = after;
        let mut byte = *byte;
        if let (b'%', [high, low, after @ ..]) = (byte, rest) {
            if let (Some(high), Some(low)) = ((*high as char).to_digit(16), (*low as char).to_digit(16)) {
                byte = (high * 16 + low) as u8;
                rest = after;
            }
        }
        if byte.is_ascii_alphanumeric() {
            letters.push(byte.to_ascii_lowercase());
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> String {
        let redaction = Redaction::new(["token", "api_key", ""]);
        String::from_utf8(redaction.of_url(url.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn values_of_secret_parameters_are_replaced() {
        assert_eq!("/?token=[redacted]", url("/?token=a"));
        assert_eq!("/?a=1&access_token=[redacted]&b=2", url("/?a=1&access_token=xyz&b=2"));
        assert_eq!("/?API-Key=[redacted];apikey=[redacted]&token=[redacted]", url("/?API-Key=1;apikey=2&token="));
        assert_eq!("/?%74oken=[redacted]", url("/?%74oken=a"));
        assert_eq!("/?to%6=1&%", url("/?to%6=1&%"));
        assert_eq!("http://a/?token=[redacted]#part", url("http://a/?token=1?2#part"));
    }

    #[test]
    fn other_text_is_unchanged() {
        for same in ["/token=a", "/?", "/?token", "/?a=token", "/?toke=n", "/a?b=c&&d==e"] {
            assert_eq!(same, url(same));
        }
        assert_eq!("/?tok%00en2=[redacted]&x", url("/?tok%00en2=&x"));
    }

    #[test]
    fn without_names_nothing_is_secret() {
        assert_eq!(b"/?token=a"[..], *Redaction::new([]).of_url(b"/?token=a"));
        assert!(!Redaction::new([]).is_secret(b"token"));
    }
}
