//! `deployer` as a library: the whole command line, for binaries that know more kinds and types than ours.
//!
//! All of it prints, prompts, draws progress and reads arguments and environment; nothing below it does. What an author needs of
//! it is `Deployer`; kinds are written against `deployer_schemas`, types against `deployer_engine`, with the clients of
//! `deployer_providers`.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use deployer::Deployer;
//!
//! fn main() -> ExitCode {
//!     // .with_kind::<AuditLog>().with_type(MetricFilter::new).with_permissions(include_str!("permissions.json"))
//!     Deployer::standard().main()
//! }
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this crate is the one that prints")]
#![allow(unreachable_pub, reason = "modules say what others may use; `Deployer` alone is for other crates")]

mod args;
mod author;
mod clock;
mod commands;
mod context;
mod duration;
mod examine;
mod exit;
mod lookups;
mod machine;
mod metrics;
mod render;
mod scaffold;
mod start;
mod stores;
mod tail;
mod term;

pub use author::Deployer;
