//! Systems Manager: the parameter store.

mod parameter;

pub use parameter::{Parameter, ParameterSpec};
