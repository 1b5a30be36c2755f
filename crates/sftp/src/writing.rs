//! A file being written. Clients send their writes ahead of each other: what comes early is kept until what lies before it came.

use std::collections::BTreeMap;

use clarion_domain::id::SftpFileId;
use clarion_store::StoreError;
use clarion_store::intake::Upload;

/// Bytes kept of writes that came early.
const EARLY_BYTES_MAX: usize = 4 << 20;

/// Writes in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct InOrder {
    early: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

/// A write that cannot be put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("what was written cannot be written over: send the file again from its start, or go on at its end")]
    Over,
    #[error("this write leaves too large a gap: send the file from its start to its end")]
    Gap,
}

impl InOrder {
    /// Takes a write; gives what can now be appended at `end`.
    pub fn take(&mut self, end: u64, offset: u64, data: Vec<u8>) -> Result<Vec<Vec<u8>>, OrderError> {
        let length = data.len() as u64;
        if offset < end || self.early.range(..offset).next_back().is_some_and(|(at, early)| at + early.len() as u64 > offset) || self.early.range(offset..offset.saturating_add(length)).next().is_some() {
            return Err(OrderError::Over);
        }
        if offset > end {
            if self.bytes + data.len() > EARLY_BYTES_MAX {
                return Err(OrderError::Gap);
            }
            self.bytes += data.len();
            self.early.insert(offset, data);
            return Ok(Vec::new());
        }
        let mut end = end + length;
        let mut ready = vec![data];
        while let Some(next) = self.early.remove(&end) {
            self.bytes -= next.len();
            end += next.len() as u64;
            ready.push(next);
        }
        Ok(ready)
    }

    pub fn has_gap(&self) -> bool {
        !self.early.is_empty()
    }
}

pub(crate) struct Writing {
    pub id: SftpFileId,
    pub name: String,
    pub upload: Upload,
    pub order: InOrder,
    /// Whatever the client says, at the end.
    pub appends: bool,
    /// An earlier part is there: a client that begins at the start all the same means the whole file.
    pub goes_on: bool,
    pub failed: bool,
}

impl Writing {
    pub fn end(&self) -> u64 {
        u64::try_from(self.upload.bytes()).unwrap_or(0)
    }

    pub async fn append(&mut self, ready: Vec<Vec<u8>>) -> Result<(), StoreError> {
        for part in ready {
            self.upload.write(&part).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_written_stays_and_gaps_are_bounded() {
        let mut order = InOrder::default();
        assert_eq!(order.take(10, 9, vec![1]), Err(OrderError::Over));
        assert_eq!(order.take(10, 20, vec![1; 10]), Ok(Vec::new()));
        assert_eq!(order.take(10, 25, vec![1]), Err(OrderError::Over));
        assert_eq!(order.take(10, 10, vec![1; 11]), Err(OrderError::Over));
        assert!(order.has_gap());
        assert_eq!(order.take(10, u64::MAX, vec![0; EARLY_BYTES_MAX]), Err(OrderError::Gap));
        assert_eq!(order.take(10, 10, vec![2; 10]), Ok(vec![vec![2; 10], vec![1; 10]]));
        assert!(!order.has_gap());
    }

    proptest! {
        #[test]
        fn writes_in_any_order_make_the_same_file(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 1..30), seed in any::<u64>()) {
            let whole = parts.concat();
            let mut at = 0;
            let mut writes: Vec<(u64, Vec<u8>)> = parts.into_iter().map(|part| { let write = (at, part); at += write.1.len() as u64; write }).collect();
            writes.sort_by_key(|(offset, _)| (offset ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (mut order, mut file) = (InOrder::default(), Vec::new());
            for (offset, data) in writes {
                let end = file.len() as u64;
                for ready in order.take(end, offset, data).expect("fits") {
                    file.extend(ready);
                }
            }
            prop_assert_eq!(file, whole);
            prop_assert!(!order.has_gap());
        }
    }
}
