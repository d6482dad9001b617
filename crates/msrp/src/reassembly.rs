//! Which bytes of a message have come (RFC 4975 §7.3.1): chunks in any order, again, or cut short.

/// Most stretches with gaps between them; a peer that makes more of them is not sending a message.
const STRETCHES_MAX: usize = 256;

/// A chunk cannot belong to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// Beyond the ceiling: 413.
    #[error("the message is larger than it may be")]
    TooLarge,
    /// Beyond the size that the message was said to have, or two sizes that differ: 400.
    #[error("the chunk contradicts what was said of the message")]
    Contradiction,
    /// Too many gaps: 400.
    #[error("the message comes in too many pieces")]
    TooScattered,
}

/// Keeps account of one message; the bytes themselves are kept by somebody else.
///
/// ```
/// use msrp::Reassembly;
/// let mut message = Reassembly::new(1000);
/// message.place(5, 3)?;
/// message.place(0, 5)?;
/// message.ends_at(8)?;
/// assert!(message.is_whole());
/// # Ok::<(), msrp::Misplaced>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reassembly {
    /// From and to (exclusive), in order, never touching.
    stretches: Vec<(u64, u64)>,
    total: Option<u64>,
    has_ended: bool,
    bytes_max: u64,
}

impl Reassembly {
    /// A message of at most `bytes_max` bytes, of which nothing has come.
    pub fn new(bytes_max: u64) -> Self {
        Self { stretches: Vec::new(), total: None, has_ended: false, bytes_max }
    }

    /// Takes note of the size that a Byte-Range names.
    ///
    /// # Errors
    /// It is too large, or another one than before, or less than what has come.
    pub fn announce(&mut self, total: u64) -> Result<(), Misplaced> {
        if total > self.bytes_max {
            return Err(Misplaced::TooLarge);
        }
        let is_new = self.total.is_none();
        if self.total.is_some_and(|known| known != total) || (is_new && self.reach() > total) {
            return Err(Misplaced::Contradiction);
        }
        self.total = Some(total);
        Ok(())
    }

    /// Takes note of `bytes` bytes that came for the place `offset`, counted from 0. Bytes that came before count once.
    ///
    /// # Errors
    /// They are beyond the message's end or the ceiling, or leave too many gaps.
    pub fn place(&mut self, offset: u64, bytes: u64) -> Result<(), Misplaced> {
        let end = offset.checked_add(bytes).ok_or(Misplaced::TooLarge)?;
        if end > self.bytes_max {
            return Err(Misplaced::TooLarge);
        }
        if self.total.is_some_and(|total| end > total) {
            return Err(Misplaced::Contradiction);
        }
        if bytes == 0 {
            return Ok(());
        }
        // Nearly always the bytes follow those that came last.
        if let Some((_, last)) = self.stretches.last_mut()
            && *last == offset
        {
            *last = end;
            return Ok(());
        }
        let first = self.stretches.partition_point(|(_, to)| *to < offset);
        let beyond = self.stretches.partition_point(|(from, _)| *from <= end);
        let merged =
            self.stretches[first..beyond].iter().fold((offset, end), |(from, to), (other_from, other_to)| {
                (from.min(*other_from), to.max(*other_to))
            });
        self.stretches.splice(first..beyond, [merged]);
        if self.stretches.len() > STRETCHES_MAX { Err(Misplaced::TooScattered) } else { Ok(()) }
    }

    /// The chunk with `$` has come; it ends at `end`, counted from 0, exclusive. Of a message whose size nobody named, that
    /// is the size.
    ///
    /// # Errors
    /// More than that has come already.
    pub fn ends_at(&mut self, end: u64) -> Result<(), Misplaced> {
        self.has_ended = true;
        if self.total.is_none() {
            self.announce(end)?;
        }
        Ok(())
    }

    /// Whether every byte has come, and the chunk with `$` too.
    pub fn is_whole(&self) -> bool {
        let Some(total) = self.total.filter(|_| self.has_ended) else { return false };
        match self.stretches.as_slice() {
            [] => total == 0,
            [(0, to)] => *to == total,
            _ => false,
        }
    }

    /// The size, as far as it is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Where the last byte ends that has come, gaps or not.
    pub fn reach(&self) -> u64 {
        self.stretches.last().map_or(0, |(_, to)| *to)
    }
}
