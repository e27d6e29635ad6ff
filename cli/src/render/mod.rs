//! How things look: plans, problems, progress.

pub mod drawn;
pub mod drift;
pub mod outputs;
pub mod plan;
pub mod problems;
pub mod progress;
pub mod value;
