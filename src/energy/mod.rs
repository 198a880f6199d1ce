//! Does light win? Energy and time of an optical inference against a digital one.
//!
//! Every number is a [`figure`]: low, typical, high, a unit, a source, how well it is known. From
//! below:
//! - [`mod@unit`], [`figure`], [`library`], [`draw`]: the figures, and one number for each, typical or
//!   drawn, with what every result rests on;
//! - [`laws`]: closed forms of detectors, converters, loss;
//! - [`budget`], [`edge`], [`chip`], [`stack`], [`frame`], [`machine`]: what one inference takes, part
//!   by part;
//! - [`detected`]: what detectors read of the light that is paid for;
//! - [`rank`]: what a linear stack computes above its detectors' noise;
//! - [`digital`]: what light must beat; [`break_even`]: at which sizes it does;
//! - [`training`]: a run's shots and loads, as a method asks for them or as they were counted, as time and
//!   energy; [`published`]: totals of others;
//! - [`of_optic`]: the machine that an experiment would be; [`answer`]: all of it, as data, which
//!   [`evaluate`] makes.
//!
//! Energy and accuracy are of the same bits: an output of b bits has the photons, the receiver
//! noise and the converter that give it an SNR of 6.02 b + 1.76 dB. Pure numbers; SI throughout.

pub mod answer;
pub mod break_even;
pub mod budget;
pub mod chip;
pub mod detected;
pub mod digital;
pub mod draw;
pub mod edge;
pub mod evaluate;
pub mod figure;
pub mod frame;
pub mod laws;
pub mod library;
pub mod machine;
pub mod of_optic;
pub mod published;
pub mod rank;
pub mod stack;
pub mod training;
pub mod unit;
