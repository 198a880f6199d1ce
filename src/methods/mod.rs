//! Training methods and what they are told.

pub mod recipe;
