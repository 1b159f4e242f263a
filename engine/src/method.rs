//! Request methods (RFC 9110, section 9, and the IANA method registry).

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

/// Which request methods the application accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Methods {
    /// The registered methods, except CONNECT and TRACE.
    #[default]
    Registered,
    /// The registered methods, and unregistered methods with a conventional name ([`Method::is_conventional`]). The
    /// engine refuses other names with 501, because some applications would treat `delete` as `DELETE`, while a proxy
    /// in front of them would not.
    Conventional,
    /// Any method name that is a token, for applications that check methods themselves, such as proxies. Absolute
    /// request targets may have any scheme.
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
    /// Stands for all unregistered methods. The head holds the name.
    pub const OTHER: Method = Method(NAMES.len() as u8);
}

impl Method {
    /// The number of methods, including [`Method::OTHER`].
    pub const COUNT: usize = NAMES.len() + 1;

    /// Returns the method with this name, or None if it is not registered. Names are case-sensitive.
    pub fn parse(name: &[u8]) -> Option<Method> {
        NAMES.iter().position(|known| known.as_bytes() == name).map(|index| Method(index as u8))
    }

    /// Whether a name has only capital letters, digits, hyphens and underscores, as method names have by convention
    /// (RFC 9110, section 9.1).
    pub fn is_conventional(name: &[u8]) -> bool {
        let rest = |&byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        name.first().is_some_and(u8::is_ascii_uppercase) && name.iter().all(rest)
    }

    /// The name of the method.
    pub fn as_str(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("OTHER")
    }

    /// The index of the method in tables with [`Method::COUNT`] entries.
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
