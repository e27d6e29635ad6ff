//! The engine of `deployer`: everything that decides. It names no cloud, prints nothing and reads no clock.

pub mod address;
pub mod book;
pub mod clock;
pub mod desired;
pub mod diagnostic;
pub mod diff;
pub mod drift;
pub mod error;
pub mod event;
pub mod execute;
pub mod expr;
pub mod facts;
pub mod find;
pub mod fold;
pub mod health;
pub mod history;
pub mod journal;
pub mod lock;
pub mod lookup;
pub mod names;
pub mod observe;
pub mod plan;
pub mod record;
pub mod recover;
pub mod resource;
pub mod safety;
pub mod session;
pub mod settle;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod state;
pub mod step;
pub mod stop;
pub mod store;
pub mod verdict;
