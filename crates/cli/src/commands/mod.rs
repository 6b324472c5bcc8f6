//! The commands.

pub(crate) mod apply;
pub(crate) mod cost;
pub(crate) mod deploy;
pub(crate) mod destroy;
pub(crate) mod doctor;
pub(crate) mod github;
pub(crate) mod graph;
pub(crate) mod logs;
pub(crate) mod offline;
pub(crate) mod one_off;
mod one_service;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod power;
pub(crate) mod prune;
mod redeploy;
pub(crate) mod rollback;
pub(crate) mod status;
pub(crate) mod verify;
