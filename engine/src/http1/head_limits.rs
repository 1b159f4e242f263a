//! The limits of a request head: its size and its lines, with 414 and 431 (RFC 6585, section 5).
//!
//! They are checked while a head arrives. The error does not depend on the pieces in which it arrives: the first exceeded
//! limit counts.

use crate::limits::Limits;
use crate::refusal::Refusal;

/// Checks the size of the part of a head that was scanned. `request_line` is the size of the request line without its
/// line feed, or 0 for any other line.
#[inline]
pub(super) fn check_sizes(request_line: usize, head: usize, limits: &Limits) -> Result<(), Refusal> {
    // The carriage return at the end of a request line does not count.
    if request_line as u64 > limits.request_line + 1 && limits.request_line < limits.head_size {
        return Err(Refusal { status: 414, reason: "the request line is too long" });
    }
    if head as u64 > limits.head_size {
        return Err(Refusal { status: 431, reason: "the request head is too large" });
    }
    Ok(())
}

/// Checks the number of lines, the request line included.
#[inline]
pub(super) fn check_lines(lines: usize, limits: &Limits) -> Result<(), Refusal> {
    if lines as u64 > limits.head_fields + 1 {
        return Err(Refusal { status: 431, reason: "too many header fields" });
    }
    Ok(())
}
