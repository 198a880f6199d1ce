//! From an optical machine to a program: what each element becomes.

pub mod detect;
pub mod device;
pub mod free_space;
pub mod front;
pub mod fuse;
pub mod in_situ;
pub mod light;
pub mod loss;
pub mod machine;
pub mod mesh;
mod params;
mod pass;
pub mod rows;

pub use device::{Chance, Device};
pub use light::{Light, Plane};
pub use machine::Machine;
pub use pass::At;

/// Elements of a table from which it is evaluated where it is used (256 MB in f64).
const LARGE: usize = 1 << 24;
