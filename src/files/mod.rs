//! Files as the rest of the program sees them: arrays in, arrays out, written whole or not at all.

pub mod atomic;
pub mod npy;
pub mod numbers;
pub mod png;
