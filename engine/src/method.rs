//! Request methods (RFC 9110, section 9, and its registry).

use std::fmt;

/// A request method. The engine refuses unregistered methods with 501, unless [`Methods`] allows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(u8);

const NAMES: [&str; 41] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "PURGE",
    "NOTIFY",
];

/// Which methods the application serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Methods {
    /// The registered methods, without CONNECT and TRACE.
    #[default]
    Registered,
    /// The registered methods, and unregistered ones with a conventional name ([`Method::is_conventional`]). Other
    /// names are refused with 501: some applications would treat `delete` as `DELETE`, while a proxy in front of them
    /// would not.
    Conventional,
    /// Any token, for applications that check methods themselves, such as proxies. Targets in the absolute form may
    /// have any scheme.
    Any,
}

#[allow(missing_docs)]
impl Method {
    pub const GET: Method = Method(0);
    pub const HEAD: Method = Method(1);
    pub const POST: Method = Method(2);
    pub const OPTIONS: Method = Method(6);
    pub const TRACE: Method = Method(7);
    pub const CONNECT: Method = Method(8);
    /// Any method that is not registered. The head holds its name.
    pub const OTHER: Method = Method(NAMES.len() as u8);
}

impl Method {
    /// How many methods there are, [`Method::OTHER`] included.
    pub const COUNT: usize = NAMES.len() + 1;

    /// Returns the method with this name, or None if it is not registered. Names are case-sensitive.
    pub fn parse(name: &[u8]) -> Option<Method> {
        NAMES.iter().position(|known| known.as_bytes() == name).map(|index| Method(index as u8))
    }

    /// Whether a name has only capitals, digits, hyphens and underscores, as method names do by convention (RFC 9110,
    /// section 9.1).
    pub fn is_conventional(name: &[u8]) -> bool {
        let rest = |&byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        name.first().is_some_and(u8::is_ascii_uppercase) && name.iter().all(rest)
    }

    /// The name of the method.
    pub fn as_str(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("OTHER")
    }

    /// The index of the method in a table with [`Method::COUNT`] entries.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_9_1_names_are_case_sensitive() {
        assert_eq!(Some(Method::GET), Method::parse(b"GET"));
        assert_eq!(None, Method::parse(b"get"));
        assert_eq!(None, Method::parse(b"BREW"));
    }

    #[test]
    fn conventional_names() {
        for name in ["BREW", "M-SEARCH", "X_Y", "A1"] {
            assert!(Method::is_conventional(name.as_bytes()), "{name}");
        }
        for name in ["", "get", "Get", "-A", "1A", "A B", "!", "A.B"] {
            assert!(!Method::is_conventional(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn constants_name_themselves() {
        for (method, name) in [
            (Method::GET, "GET"),
            (Method::HEAD, "HEAD"),
            (Method::POST, "POST"),
            (Method::OPTIONS, "OPTIONS"),
            (Method::TRACE, "TRACE"),
            (Method::CONNECT, "CONNECT"),
        ] {
            assert_eq!(name, method.as_str());
        }
    }
}
