//! A NaN stays one through every op that looks at how much light there is, or rounds it, so that it is
//! reported where it was born; a dark sample makes none.

use std::sync::Arc;

use lightloom::backend::gpu::{Wanted, compile};
use lightloom::backend::twin::run_case;
use lightloom::backend::{Precision, cpu};
use lightloom::ops::Op;
use lightloom::ops::align::Align;
use lightloom::ops::augment::{Augment, Weight};
use lightloom::ops::case::{BATCH, Case, CaseBuilder, build, complexes, reals};
use lightloom::ops::expose::Expose;
use lightloom::ops::goodness::{Goodness, GoodnessAdjoint};
use lightloom::ops::graft::Rescale;
use lightloom::ops::project::Normalise;
use lightloom::ops::quantise::Quantise;
use lightloom::ops::readout::{Readout, ReadoutAdjoint};
use lightloom::ops::similarity::{Similarity, SimilarityAdjoint};
use lightloom::program::{Data, Shape, SlotId};

mod common;

/// Samples of the batch: one with a NaN in it, one all zeros.
const BROKEN: usize = 3;
const DARK: usize = 5;
const LEN: usize = 6;

fn real(c: &mut CaseBuilder) -> SlotId {
    let mut x = reals(1, LEN * BATCH);
    x[BROKEN * LEN + 1] = f64::NAN;
    x[DARK * LEN..][..LEN].fill(0.0);
    c.given(Shape::real(&[LEN]), Data::Real(x))
}

fn field(c: &mut CaseBuilder) -> SlotId {
    let mut x = complexes(2, LEN * BATCH);
    x[BROKEN * LEN + 1].im = f64::NAN;
    x[DARK * LEN..][..LEN].fill(0.0.into());
    c.given(Shape::complex(&[2, LEN / 2]), Data::Complex(x))
}

fn cases() -> Vec<Case> {
    let case = |name: &str, op: Op, operands: &dyn Fn(&mut CaseBuilder) -> Vec<SlotId>| {
        build(name, 1.0, |c| {
            let operands = operands(c);
            let y = c.b.emit(op, &operands)?;
            c.compare(y);
            Ok(())
        })
    };
    let other = |c: &mut CaseBuilder| c.sample(Shape::real(&[LEN]));
    let light = |c: &mut CaseBuilder| c.sample(Shape::complex(&[2, LEN / 2]));
    let g = |c: &mut CaseBuilder| c.sample(Shape::real(&[1]));
    let expose = Expose {
        seed: 1,
        site: 300,
        shot_noise: true,
        electrons: 10.0,
        dark: 1.0,
        read: 1.0,
        full: 20.0,
        bits: 4,
    };
    let augment = Op::Augment(Augment { weight: Weight::Root, unit: 0.3 });
    let similar = Op::SimilarityAdjoint(SimilarityAdjoint);
    vec![
        case("goodness", Op::Goodness(Goodness), &|c| vec![real(c)]),
        case("its adjoint", Op::GoodnessAdjoint(GoodnessAdjoint), &|c| vec![real(c), g(c)]),
        case("similarity", Op::Similarity(Similarity), &|c| vec![real(c), other(c)]),
        case("similarity, turned", Op::Similarity(Similarity), &|c| vec![other(c), real(c)]),
        case("its adjoint", similar.clone(), &|c| vec![real(c), other(c), g(c)]),
        case("its adjoint, turned", similar, &|c| vec![other(c), real(c), g(c)]),
        case("normalise", Op::Normalise(Normalise { power: 2.0 }), &|c| vec![field(c)]),
        case("align", Op::Align(Align), &|c| vec![light(c), field(c)]),
        case("augment", augment.clone(), &|c| vec![other(c), other(c), field(c)]),
        case("augment by what is read", augment, &|c| vec![other(c), real(c), light(c)]),
        case("rescale", Op::Rescale(Rescale), &|c| vec![other(c), other(c), real(c)]),
        case("quantise", Op::Quantise(Quantise::range(4, -0.5, 0.75)), &|c| vec![real(c)]),
        case("look up", Op::Quantise(Quantise::turn(4)), &|c| {
            vec![real(c), c.constant(Shape::real(&[4]))]
        }),
        case("readout", Op::Readout(Readout { differential: false }), &|c| vec![real(c)]),
        case("readout, differential", Op::Readout(Readout { differential: true }), &|c| {
            vec![real(c)]
        }),
        case("its adjoint", Op::ReadoutAdjoint(ReadoutAdjoint { differential: false }), &|c| {
            vec![real(c), other(c)]
        }),
        case("expose", Op::Expose(expose), &|c| {
            let gain = c.b.constant("gain", Shape::real(&[LEN]), || Data::Real(vec![1.0; LEN]));
            let shot = c.b.constant("shot", Shape::index(&[1]), || Data::Index(vec![0]));
            vec![real(c), gain, shot]
        }),
    ]
}

/// Samples whose output has a NaN.
fn broken(data: &Data) -> Vec<usize> {
    let reals: Vec<f64> = match data {
        Data::Complex(v) => v.iter().flat_map(|z| [z.re, z.im]).collect(),
        other => other.reals().to_vec(),
    };
    let len = reals.len() / BATCH;
    (0..BATCH).filter(|s| reals[s * len..][..len].iter().any(|x| x.is_nan())).collect()
}

#[test]
fn a_nan_stays_one() {
    let gpu = common::gpu("NaN", cases().len());
    let mut failed = Vec::new();
    for case in cases() {
        let program = Arc::new(case.program.clone());
        let mut backends = vec![
            ("f64", cpu::compile(program.clone(), Precision::F64, Some(1))),
            ("f32", cpu::compile(program.clone(), Precision::F32, Some(1))),
        ];
        if gpu.is_some() {
            backends.push(("GPU", compile(program, Wanted::Any, true)));
        }
        for (on, executor) in backends {
            let found = run_case(&mut *executor.expect("a backend"), &case).expect("a run");
            let found: Vec<_> = found.iter().map(broken).collect();
            if found != [[BROKEN]] {
                failed.push(format!("{} on {on}: {found:?}", case.name));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
