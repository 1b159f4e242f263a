//! Bytes from a client that were not parsed yet: a part of a head, a body that no reader has requested, or pipelined
//! requests.

/// A buffer of received bytes that is parsed from its start.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// How many bytes at the start of the buffer were parsed. They are removed when they fill more than half of the
    /// buffer. Removing them after every pipelined request would copy the rest each time.
    parsed: usize,
}

impl Input {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The number of bytes that were not parsed.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.parsed
    }

    /// The bytes that were not parsed.
    pub fn unparsed(&self) -> &[u8] {
        &self.bytes[self.parsed..]
    }

    pub fn append(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// Marks bytes as parsed. Frees the memory if the buffer is then empty.
    pub fn consume(&mut self, count: usize) {
        self.parsed += count;
        if self.parsed == self.bytes.len() {
            *self = Input::default();
        } else if self.parsed > self.bytes.len() / 2 {
            self.bytes.drain(..self.parsed);
            self.parsed = 0;
        }
    }

    /// Returns the bytes that were not parsed, in a separate buffer.
    pub fn into_unparsed(mut self) -> Vec<u8> {
        self.bytes.split_off(self.parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed_bytes_are_removed_once_they_are_more_than_half() {
        let mut input = Input::default();
        input.append(b"0123456789");
        input.consume(5);
        assert_eq!((b"56789".as_slice(), 10), (input.unparsed(), input.bytes.len()));
        input.consume(1);
        assert_eq!((b"6789".as_slice(), 4), (input.unparsed(), input.bytes.len()));
        input.consume(4);
        assert!(input.is_empty());
        assert_eq!(0, input.bytes.capacity());
    }
}
