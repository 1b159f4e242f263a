//! Ways to divide the same bytes into pieces.

/// Divides `input` in three ways: one piece, single bytes, and pieces whose sizes are derived from the bytes. The same
/// input always has the same pieces. The fuzzer gets other pieces by changing the input.
pub fn ways(input: &[u8]) -> [Vec<&[u8]>; 3] {
    [vec![input], input.chunks(1).collect(), drawn(input)]
}

fn drawn(mut input: &[u8]) -> Vec<&[u8]> {
    let mut dice = Dice(hash(input));
    let mut pieces = Vec::new();
    while !input.is_empty() {
        // Most pieces have a few bytes, so that line ends and chunk sizes are divided. Some pieces have many.
        let most = if dice.roll(4) == 0 { 256 } else { 8 };
        let (piece, rest) = input.split_at(input.len().min(1 + dice.roll(most)));
        pieces.push(piece);
        input = rest;
    }
    pieces
}

/// The random generator xorshift64*, as in the engine's own tests.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }
}

/// The hash function FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
