//! The engine of `deployer`: everything that decides. It names no cloud, prints nothing and reads no clock.

pub mod address;
pub mod clock;
pub mod desired;
pub mod diagnostic;
pub mod diff;
pub mod error;
pub mod expr;
pub mod facts;
pub mod lock;
pub mod names;
pub mod plan;
pub mod record;
pub mod resource;
pub mod state;
pub mod store;
