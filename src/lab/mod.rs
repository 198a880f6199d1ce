//! A laboratory as the device: another process that sets masks, exposes, and returns what its
//! detectors read.
//!
//! # Protocol, version 1
//!
//! Frames over the process's standard input and output: a `u32` length (little endian, of all that
//! follows), a byte that says what it is, and the payload. The client asks, the server answers each
//! frame with one.
//!
//! | byte | asked | payload | answered |
//! |---|---|---|---|
//! | `H` | who are you | `u32` version | `H`: JSON `{"version", "name", "image": [h, w], "readings", "parameters": {name: [dims]}}` |
//! | `P` | set a parameter | JSON string of its name, a zero byte, then f32 values in natural order | `K` |
//! | `E` | expose samples | `u32` count, then count x h x w f32 in 0..1 | `R`: count x readings f32 |
//! | `Q` | end | none | `K`, and the server leaves |
//!
//! A server that cannot do what is asked answers `X` with a text. Masks are `optic.element.<i>.phase`
//! in radians `[y, x]`, as in checkpoints; meshes `optic.element.<i>.theta`, `.phi` and `.gamma`.
//! Readings are in any one unit of power. `lightloom lab serve EXPERIMENT.toml` is the reference
//! server: the simulated device of that experiment.

pub mod client;
pub mod executor;
pub mod frame;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub const VERSION: u32 = 1;

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub name: String,
    /// Height and width of a sample.
    pub image: [usize; 2],
    /// Numbers that it returns of one exposure.
    pub readings: usize,
    /// Names and dimensions of what it can be told.
    pub parameters: BTreeMap<String, Vec<usize>>,
}
