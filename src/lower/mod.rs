//! From an optical machine to a program: what each element becomes.

pub mod detect;
pub mod free_space;
pub mod front;
pub mod fuse;
pub mod loss;
pub mod machine;
pub mod mesh;

pub use machine::{Light, Machine, Plane};

/// Elements of a table from which it is evaluated where it is used (256 MB in f64).
const LARGE: usize = 1 << 24;
