//! Numbers below the optics: elementary functions with WGSL twins, addressed randomness,
//! sparse maps.

pub mod random;
pub mod real;
pub mod scalar;
pub mod sparse;
