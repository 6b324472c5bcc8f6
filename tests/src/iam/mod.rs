//! Policies and requests by the thousand, decided by ministack and by `hatoba_model::iam::evaluate`.

pub mod ask;
pub mod draw;
pub mod generate;
