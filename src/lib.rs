//! Lightloom simulates light that computes, and trains it.
//!
//! An experiment file (TOML) describes an optical machine, a task and a way to train. It is
//! lowered into a flat [`program`] of a few dozen kinds of op over typed slots; a backend compiles
//! the program once and runs it many times, on the CPU or, through WGSL, on any GPU.
//!
//! ```text
//! experiment.toml ──► optics ──lower──► program ──compile──► backend::cpu (f32, f64)
//!                                ▲                      └──► backend::gpu (wgpu + WGSL)
//!                             methods (which programs a training step is made of)
//!       cli ◄── report, render ◄── train (data, epochs, metrics, checkpoints)
//! ```
//!
//! # Layers
//! Each knows only what stands below it; `tests/layers.rs` reads the sources and holds them to it.
//!
//! | layer | what it is |
//! |---|---|
//! | [`cli`] | one file a sub-command; the only layer that prints, parses arguments or exits |
//! | [`report`], [`render`] | what people get to see: pages, exported programs; pictures from plain arrays |
//! | [`mod@bench`] | times, rates and what limits them, as data and tables |
//! | [`train`] | the host loop: batches, evaluation, metrics, checkpoints |
//! | [`baseline`] | the digital baseline: matrix products, small networks, joules of this machine |
//! | [`energy`] | energy and time of optical and digital inference, every figure with its source |
//! | [`experiment`] | the experiment file: places in it, rules, presets |
//! | [`methods`] | training methods, one a file: each builds the routines of its step |
//! | [`lower`] | an optical machine as a program |
//! | [`backend`] | a program on a device; only `backend::gpu` names wgpu |
//! | [`program`], [`ops`] | the program as data, its adjoint, its plan; how each op computes |
//! | [`optics`] | what a machine is: grid, source, elements, transfer functions, detector |
//! | [`data`], [`files`] | data sets; arrays and files that appear whole or not at all |
//! | [`math`], [`units`], [`error`] | numbers, quantities, the one error type |
//!
//! A new op is one file in `ops` with its shader of the same stem, and a line in `ops::mod`. A new
//! element is a variant of [`optics::Element`] and its arm in [`lower::machine`]. A new method is
//! a file in [`methods`].
//!
//! # Conventions
//! - SI inside; units in the type or the name at the edges; angles in radians.
//! - Fields `[batch, y, x]` complex, x fastest; n samples x pitch, cell-centred
//!   ([`optics::grid`]).
//! - Time dependence exp(-iωt): a wave going to +z has phase +kz.
//!   `H(z) = exp(2πi z sqrt(1/λ² - fx² - fy²))`, `H(-z) = conj H(z)`, evanescent parts decay for
//!   both signs, `H(0) = 1` ([`optics::transfer`]).
//! - The gradient of a real loss with respect to a complex field is g = dL/dRe + i dL/dIm, so that
//!   dL = Re<g, dE>; for y = A x, g_x = A^H g_y; for a phase mask dL/dφ = Σ Im(conj(y) g).
//!   *Adjoint* is A^H, *inverse* undoes, *reverse* is light going back.
//! - Free space is a linear convolution: padded to the smallest 2-3-5-7-smooth length of at least
//!   `pad` times the window, band-limited; `boundary = "periodic"` asks for the other.
//! - Large phases, transfer functions and twiddles are made in f64 on the host and then rounded.
//! - Meshes of interferometers ([`optics::mesh`]): U = diag(e^{iγ}) T_K ⋯ T_1, y = U x, each cell
//!   T(θ, φ) = i e^{iθ/2} [[e^{iφ} sin(θ/2), cos(θ/2)], [e^{iφ} cos(θ/2), -sin(θ/2)]] on the
//!   guides a < b: φ on guide a before the cell, θ on its upper arm, θ = π straight through.
//! - Randomness is addressed, not drawn ([`math::random`]).
//! - Same bits for the same binary, device and plan: leaves of the batch and the tree over them
//!   depend on neither threads nor micro-batches ([`program`]).
//!
//! # A training step, worked
//! Five masks on MNIST, batch 32, become one routine `train` (print it with
//! [`Program`](program::Program)'s `Display`):
//! 1. *prepare*, once: t_i = exp(iφ_i) for each mask.
//! 2. *samples*, per sample: `sparse_sum` places the digit, `encode` puts it on the source; then
//!    for each gap `rows_in`, `columns` (x H), `rows_out`, and for each mask `modulate`;
//!    `intensity`, `sparse_sum` over the detector regions, `readout`, `cross_entropy`. Walking back
//!    ([`program::adjoint`]): the same passes with conj(H), the same masks with conj(t), and
//!    `grad_sum` where a mask's light and its gradient meet, summed per leaf. [`lower::fuse`] then
//!    makes one `hop` of rows out, mask, gradient and rows in: P gaps are 2P + 1 passes.
//! 3. *reduce*, once: `leaf_sum` adds the 16 leaves by a fixed tree.
//! 4. *update*, once: `adam` with its schedule row, `record` of the mean loss, `count`.
//!
//! On the GPU the four sections are one submission; on the CPU each leaf runs depth-first on one
//! thread, its fields in cache, up to 16 lines a register ([`math::lanes`]); f64, the oracle, runs the
//! unfused program by rustfft.

pub mod backend;
pub mod baseline;
pub mod bench;
pub mod cli;
pub mod data;
pub mod energy;
pub mod error;
pub mod experiment;
pub mod files;
pub mod lab;
pub mod lower;
pub mod math;
pub mod methods;
pub mod ops;
pub mod optics;
pub mod program;
pub mod render;
pub mod report;
pub mod train;
pub mod units;

pub use error::{Error, Result};
