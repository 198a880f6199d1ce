//! backend
pub mod gpu;
