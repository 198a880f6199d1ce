//! Y = C F^-1 H F P X on the CPU in f32: L transforms side by side, one in each lane of a register.
//!
//! An *element* is 2 L f32, L real parts before L imaginary ones. Everything is unnormalised, and
//! every buffer is aligned to 64 bytes ([`super::aligned::Aligned`] is), every block of one to a register.
//!
//! From below: `vector` (one type an instruction set: `x86`, `neon`, `portable`), `complex`,
//! `small` and `codelet` (transforms in registers), `butterflies` (a stage over a line), `factor`
//! (which stages), `line` (a transform); `tiles`, `mirror` (the order of a hybrid), `plane` (a
//! propagation), `pointwise`; `mesh` (interferometers).

#![allow(
    clippy::inline_always,
    reason = "a function is compiled for an instruction set only inside its entry, so that all of \
              what an entry calls has to be inlined there, closures too"
)]

mod butterflies;
mod codelet;
mod complex;
mod factor;
mod isa;
mod line;
mod mesh;
mod mirror;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plane;
mod pointwise;
mod portable;
mod roots;
mod shared;
mod small;
mod tiles;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

pub use isa::Isa;
pub use line::LinePlan;
pub use mesh::MeshPlan;
pub use plane::{PlanePlan, Source};
pub use pointwise::Trip;
pub use shared::Shared;
