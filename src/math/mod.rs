//! Numbers below the optics: elementary functions with WGSL twins, addressed randomness,
//! sparse maps, symmetric matrices, transforms of many lines at once.

pub mod aligned;
pub mod lanes;
pub mod random;
pub mod real;
pub mod scalar;
pub mod sparse;
pub mod symmetric;
