//! Rotation of keys.

/// What a batch of a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Secrets that are under the current key now, and were not before.
    pub resealed: u64,
    /// Secrets that could not be opened, for example because their key is not in the ring. They
    /// are left as they are, and are among `left`.
    pub unreadable: u64,
    /// Secrets that are still not under the current key.
    pub left: u64,
}
