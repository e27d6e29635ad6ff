//! Support for tests that need AWS: the emulator, the real binary, and the killing of it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its programs talk to people")]

pub mod author;
mod boto3;
pub mod build;
pub mod clock;
pub mod corpus;
pub mod dice;
pub mod emulator;
pub mod fields;
pub mod kit;
pub mod leaves;
pub mod matrix;
pub mod owned;
pub mod permissions;
pub mod place;
pub mod product;
pub mod rain;
pub mod sweep;
pub mod wander;

/// Any error, told in words.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// The result of everything in here.
pub type Result<T> = std::result::Result<T, Error>;
