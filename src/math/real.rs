//! Elementary functions with WGSL twins.
