//! What plans are made by, as data: one table for real GPUs, one for software Vulkan.

use serde::{Deserialize, Serialize};

/// How lines fill a workgroup: what a tuner may change, since no order in memory depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Threads that a workgroup of rows is filled up to.
    pub row_threads: usize,
    /// Lines side by side in a workgroup of columns.
    pub beside: usize,
    /// A lane holds two adjacent columns, or butterflies of a row.
    pub pairs: bool,
}

/// Costs are per value of a line, in values moved to or from memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Table {
    pub name: &'static str,
    /// Radices in use, each with the arithmetic of its butterfly.
    pub radices: &'static [(usize, f64)],
    /// A stage's way through workgroup memory, its barrier and its twiddles.
    pub exchange: f64,
    /// Bytes of workgroup memory that lines are gathered up to; a longer line takes more.
    pub memory: usize,
    /// Sums over the samples of a leaf are taken in a loop around the transform; else a launch adds
    /// one sample of every leaf.
    pub loops: bool,
    pub fill: Fill,
}

/// A core that takes eight lanes through one instruction and fetches each of their values on its
/// own: arithmetic is nearly free, every exchange is dear. A loop around them doubles what they take:
/// a hop of 1024 rows with a mask's gradient took 40 ms in one, and without it 21.
pub const SOFTWARE: Table = Table {
    name: "software",
    radices: &[
        (2, 0.10),
        (3, 0.14),
        (4, 0.16),
        (5, 0.20),
        (6, 0.22),
        (7, 0.28),
        (8, 0.26),
        (9, 0.32),
        (10, 0.30),
        (12, 0.34),
        (15, 0.42),
        (16, 0.36),
        (20, 0.46),
        (25, 0.60),
        (32, 0.55),
    ],
    exchange: 2.3,
    memory: 32 << 10,
    loops: false,
    fill: Fill { row_threads: 64, beside: 8, pairs: true },
};

/// Registers bound the radix: 16 values and their twiddles fit 128 of them, 32 spill.
pub const HARDWARE: Table = Table {
    name: "hardware",
    radices: &[
        (2, 0.20),
        (3, 0.25),
        (4, 0.28),
        (5, 0.36),
        (6, 0.38),
        (7, 0.48),
        (8, 0.40),
        (9, 0.55),
        (10, 0.55),
        (16, 0.65),
    ],
    exchange: 1.0,
    memory: 16 << 10,
    loops: true,
    fill: Fill { row_threads: 128, beside: 8, pairs: true },
};
