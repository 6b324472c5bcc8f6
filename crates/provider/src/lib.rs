//! AWS: one file per resource kind with its field table, its live state in normal form and its calls.
//! Reads are batched; errors are classified; nothing here plans, retries writes, waits or draws.

pub mod addresses;
pub mod aws;
pub mod classify;
pub mod deploy;
pub mod desire;
pub mod doctor;
pub mod down;
pub mod driver;
mod http;
pub mod images;
pub mod json;
pub mod kinds;
pub mod log_events;
pub mod normal;
pub mod one_off;
mod pace;
pub mod permissions;
pub mod provenance;
pub mod provider;
pub mod prune;
pub mod rollout;
pub mod rotation;
mod said;
mod server_clock;
mod shape;
pub mod survey;
pub mod tags;
pub mod verify;
