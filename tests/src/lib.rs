//! The harness of the end-to-end tests: the two emulators, the proxy between client and emulator, and the world a test
//! runs the real binary in.
//!
//! A test asks for a [`world::World`]: an AWS account of its own on a shared emulator, a [`proxy::Proxy`] in front of it
//! that counts, slows, breaks and completes what the emulator does, and a directory with an isolated environment.
//!
//! Everything here is synchronous towards the test, and works from a plain `#[test]` as well as from inside an async
//! runtime: the harness runs its sockets on threads of its own.

pub mod client;
pub mod contract;
pub mod converge;
pub mod emulator;
pub mod error;
pub mod iam;
pub mod invocation;
pub mod lease;
pub mod pipeline;
pub mod plays;
pub mod proxy;
mod runtime;
pub mod services;
mod signature;
pub mod torture;
pub mod world;
