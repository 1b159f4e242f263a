//! Checks the limits of a request head: its size and its number of lines. Exceeding them gives 414 or 431 (RFC 6585,
//! section 5).
//!
//! The limits are checked while the head arrives. The status does not depend on the pieces in which the head arrives:
//! the first exceeded limit decides.

use crate::limits::Limits;
use crate::refusal::Refusal;

/// Checks the size of the scanned part of a head. `request_line` is the size of the request line without its line feed.
/// It is 0 if the current line is not the request line.
#[inline]
pub(super) fn check_sizes(request_line: usize, head: usize, limits: &Limits) -> Result<(), Refusal> {
    // The carriage return at the end of the request line does not count.
    if request_line as u64 > limits.request_line + 1 && limits.request_line < limits.head_size {
        return Err(Refusal { status: 414, reason: "the request line is too long" });
    }
    if head as u64 > limits.head_size {
        return Err(Refusal { status: 431, reason: "the request head is too large" });
    }
    Ok(())
}

/// Checks the number of lines, including the request line.
#[inline]
pub(super) fn check_lines(lines: usize, limits: &Limits) -> Result<(), Refusal> {
    if lines as u64 > limits.head_fields + 1 {
        return Err(Refusal { status: 431, reason: "too many header fields" });
    }
    Ok(())
}
