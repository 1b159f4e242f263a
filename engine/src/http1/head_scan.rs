//! Finds the end of a request head, and checks what can be checked before the head is complete.
//!
//! The scan reads line by line as bytes arrive. It reads each byte only once, even if the client sends byte by byte.

use memchr::memchr_iter;

use super::head_limits::{check_lines, check_sizes};
use super::request_line;
use crate::limits::Limits;
use crate::method::{Method, Methods};
use crate::refusal::Refusal;
use crate::token::is_token;

/// The state of the search for the end of a request head.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan {
    /// How many bytes were scanned.
    scanned: usize,
    /// The offset at which the current line starts.
    line_start: usize,
    /// The offset at which the request line starts: 0, or 2 after an empty line (RFC 9112, section 2.2).
    start: usize,
    /// The request method, once the request line is complete.
    pub method: Option<Method>,
    /// How many lines were scanned, including the request line.
    lines: usize,
}

impl Scan {
    /// Scans the new bytes of `input`. Returns the range of the head once it is complete.
    pub fn find_end(
        &mut self,
        input: &[u8],
        limits: &Limits,
        methods: Methods,
    ) -> Result<Option<(usize, usize)>, Refusal> {
        if self.scanned == 0 && input.first().is_some_and(|&byte| !is_token(byte) && byte != b'\r' && byte != b'\n') {
            return Err(Refusal::bad("the request does not start with a method"));
        }
        for offset in memchr_iter(b'\n', &input[self.scanned..]) {
            let newline = self.scanned + offset;
            self.check_sizes(newline, newline + 1, limits)?;
            if newline == 0 || input[newline - 1] != b'\r' {
                return Err(Refusal::bad("a line ends with a bare line feed"));
            }
            let line = newline - 1 - self.line_start;
            if line == 0 {
                if self.lines > 0 {
                    return Ok(Some((self.start, newline + 1)));
                }
                if self.start > 0 {
                    return Err(Refusal::bad("more than one empty line before the request line"));
                }
                self.start = newline + 1;
            } else {
                self.lines += 1;
                if self.lines == 1 {
                    // Check the request line before the head is complete, because an HTTP/0.9 client sends nothing
                    // more.
                    self.method = Some(request_line::check(&input[self.start..=newline], methods)?);
                }
                check_lines(self.lines, limits)?;
            }
            self.line_start = newline + 1;
        }
        self.scanned = input.len();
        self.check_sizes(self.scanned, self.scanned, limits)?;
        Ok(None)
    }

    /// Checks the size of the request line, without its line feed, and the size of the head up to `end`.
    fn check_sizes(&self, line_feed: usize, end: usize, limits: &Limits) -> Result<(), Refusal> {
        let request_line = if self.lines == 0 { line_feed - self.line_start } else { 0 };
        check_sizes(request_line, end - self.start, limits)
    }
}

/// Whether the method of a possibly incomplete head is HEAD.
pub fn has_method_head(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\r\n").unwrap_or(bytes).starts_with(b"HEAD ")
}
