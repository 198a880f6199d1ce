//! From an optical machine to a program: what each element becomes.

pub mod detect;
pub mod free_space;
pub mod fuse;
pub mod loss;
pub mod machine;

pub use machine::{Light, Machine, Plane};
