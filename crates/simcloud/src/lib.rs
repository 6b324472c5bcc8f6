//! Test support: a cloud in memory that keeps AWS's rules of names, references and order, so that plans can be carried
//! out thousands of times a minute. It reuses the kinds' own field tables and wishes.

mod capacity;
mod cloud;
mod effects;
pub mod faults;
pub mod generate;
mod links;
mod run;
pub mod scenario;
pub mod script;
pub mod slow;
pub mod timeline;
pub mod world;
