//! placeholder
/// The lock is someone else's.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// x
    #[error("held")]
    Held,
}
