//! Kernels over rows: inverse stages down to the natural order, a chain of links there, forward
//! stages up again; either half may be missing. Past the field nothing is computed.

use std::ops::Range;

use super::butterfly::{Butterfly, Place};
use super::emit::{Emit, Load};
use super::plan::{Group, Limits, Part};
use super::{LineKernel, Operand};
use crate::ops::grad_sum::GradSum;
use crate::ops::hop::{self, Link, Saved};
use crate::program::Kind;

/// The type of a lane's share of an array.
fn element(kind: Kind) -> &'static str {
    match kind {
        Kind::Real => "R",
        Kind::Half => "H",
        Kind::Complex | Kind::Index => "C",
    }
}

/// What rows are read from or written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Array {
    /// `[ny, nx]`.
    Field,
    /// `[ny, mx]`, transformed, in the order of [`super::LinePlan::row_order`].
    Hybrid,
    /// `[ny, mx]`, positions in order, between the two parts of a line.
    Scratch,
}

pub struct Rows<'a> {
    pub field: [usize; 2],
    pub padded: [usize; 2],
    /// Rows that have to be done; of the others a hybrid gets zeros and nothing else anything.
    pub done: &'a hop::Rows,
    pub part: Part,
    pub from: Array,
    /// Begins with inverse stages.
    pub down: bool,
    pub links: &'a [Link],
    /// Ends with forward stages.
    pub up: bool,
    /// Where the row goes, if it goes anywhere but to the links.
    pub to: Option<Array>,
    /// Outputs before those of the links.
    pub before: usize,
}

impl Rows<'_> {
    pub fn kernel(&self, limits: &Limits) -> LineKernel {
        let [ny, _] = self.field;
        let (outer, inner) = (self.part.outer, self.part.inner);
        // Whole lines fill a workgroup from row to row, parts of lines from part to part.
        let (count, rows) = match (outer, inner) {
            (1, 1) => (ny, 1),
            (1, _) => (inner, ny),
            _ => (outer, ny),
        };
        let group = if inner > 1 {
            Group::beside(&self.part, count, false, limits)
        } else {
            Group::rows(&self.part, count, self.field[1].is_multiple_of(2), limits)
        };
        let mut e = Emit::new(self.part.clone(), group, inner > 1);
        self.bind(&mut e);
        let lines = group.lines;
        let guarded = !count.is_multiple_of(lines);
        e.line(&format!("let own = w.x * {lines}u + line;"));
        let own = if guarded { format!("min(own, {}u)", count - 1) } else { "own".into() };
        if guarded {
            e.line(&format!("let live = own < {count}u;"));
        }
        let row = if rows == 1 { own.as_str() } else { "w.z" };
        e.line(&format!("let row = {row};"));
        match (outer, inner) {
            (1, 1) => {}
            (1, _) => e.line(&format!("let apart = {own};")),
            _ => e.line(&format!("let block = {own};")),
        }
        let sums = self.sums_up();
        self.leave_out(&mut e, guarded);
        if sums {
            self.sums(&mut e, guarded, false);
            e.line("let low = max(w.y * p.leaf, p.first);");
            e.line("let high = min((w.y + 1u) * p.leaf, p.first + p.count);");
            e.open("for (var s = low; s < high; s++) {");
        }
        let sample = if sums { "(s - p.first)" } else { "w.y" };
        e.line(&format!("let at = {sample} * {ny}u + row;"));
        self.body(&mut e, guarded);
        if sums {
            e.barrier();
            e.close();
            self.sums(&mut e, guarded, true);
        }
        e.finish([count.div_ceil(lines), rows], sums)
    }

    /// Adds to sums of leaves.
    fn sums_up(&self) -> bool {
        self.links.iter().any(|l| matches!(l, Link::Grad(..)))
    }

    /// Whether rows are left out; of a sum every row counts.
    fn leaves_out(&self) -> bool {
        self.done.count() < self.field[0] && !self.sums_up()
    }

    /// Ends a workgroup whose rows are all left out.
    fn leave_out(&self, e: &mut Emit, guarded: bool) {
        let [ny, _] = self.field;
        if !self.leaves_out() {
            return;
        }
        // A workgroup works on whole rows, or on parts of one.
        let (first, rows) = if self.part.outer * self.part.inner == 1 {
            (format!("w.x * {}u", e.group.lines), e.group.lines)
        } else {
            ("w.z".to_owned(), 1)
        };
        let meets = |range: &Range<usize>| {
            format!("(first < {}u && first + {rows}u > {}u)", range.end, range.start)
        };
        let done: Vec<String> = self.done.ranges().iter().map(meets).collect();
        e.line(&format!("let first = {first};"));
        let done = if done.is_empty() { "false".into() } else { done.join(" || ") };
        e.open(&format!("if (!({done})) {{"));
        if self.to == Some(Array::Hybrid) {
            let wide = e.group.wide();
            let (mx, length) = (self.padded[1] / wide, self.part.length / wide);
            let block =
                if self.part.outer > 1 { format!(" + block * {length}u") } else { String::new() };
            if guarded {
                e.open("if (live) {");
            }
            e.open(&format!("for (var i = t; i < {length}u; i += {}u) {{", e.group.threads));
            e.line(&format!("end[(w.y * {ny}u + row) * {mx}u{block} + i] = C();"));
            e.close();
            if guarded {
                e.close();
            }
        }
        e.line("return;");
        e.close();
        if self.from == Array::Field {
            let own = |r: &Range<usize>| format!("({}u <= row && row < {}u)", r.start, r.end);
            let own: Vec<String> = self.done.ranges().iter().map(own).collect();
            let lit = if own.is_empty() { "false".into() } else { own.join(" || ") };
            e.line(&format!("let lit = {lit};"));
        }
    }

    fn bind(&self, e: &mut Emit) {
        let in_place = self.from == Array::Scratch && self.to == Some(Array::Scratch);
        let from =
            if self.from == Array::Scratch { Operand::Scratch(0) } else { Operand::Input(0) };
        e.bind(from, "start", "C", in_place);
        let mut inputs = 1;
        for (i, link) in self.links.iter().enumerate() {
            if let Some(kind) = link.reads() {
                let element = element(kind);
                e.bind(Operand::Input(inputs), &format!("in{i}"), element, false);
                inputs += 1;
            }
        }
        match self.to {
            Some(Array::Scratch) if !in_place => e.bind(Operand::Scratch(0), "end", "C", true),
            Some(Array::Hybrid | Array::Field) => e.bind(Operand::Output(0), "end", "C", true),
            _ => {}
        }
        let mut outputs = self.before;
        for (i, link) in self.links.iter().enumerate() {
            if let Some((kind, _)) = link.writes() {
                let element = element(kind);
                e.bind(Operand::Output(outputs), &format!("out{i}"), element, true);
                outputs += 1;
            }
        }
    }

    /// Index of a place in an array.
    fn index(&self, e: &Emit, array: Array, place: &Place) -> String {
        let wide = e.group.wide();
        let (nx, mx) = (self.field[1] / wide, self.padded[1] / wide);
        let position = e.position(place);
        match array {
            Array::Field => format!("at * {nx}u + {position}"),
            Array::Scratch => format!("at * {mx}u + {position}"),
            Array::Hybrid => {
                // Neighbouring threads store neighbours.
                let (length, radices) = (self.part.length / wide, &self.part.radices);
                let butterflies = length / radices[radices.len() - 1];
                let within = place.index * butterflies;
                let block = if self.part.outer > 1 {
                    format!(" + block * {length}u")
                } else {
                    String::new()
                };
                format!("at * {mx}u{block} + {within}u + b")
            }
        }
    }

    fn body(&self, e: &mut Emit, guarded: bool) {
        let array = if self.from == Array::Scratch && self.to == Some(Array::Scratch) {
            "start"
        } else {
            "end"
        };
        let store = |e: &mut Emit, bf: &Butterfly, values: Vec<String>| {
            let to = self.to.unwrap_or(Array::Hybrid);
            for (place, v) in bf.places().zip(values) {
                let index = self.index(e, to, &place);
                let store = format!("{array}[{index}] = {v};");
                e.line(&if guarded { format!("if (live) {{ {store} }}") } else { store });
            }
        };
        // What is done where the row lies in natural order.
        let bottom = |e: &mut Emit, bf: &Butterfly, values: Option<Vec<String>>| {
            let places = bf.places();
            let chained: Vec<_> = places
                .map(|p| {
                    let value = values.as_ref().map(|v| format!("swap({})", v[p.index]));
                    self.chain(e, &p, value, guarded)
                })
                .collect();
            if !self.up {
                return;
            }
            let values = e.forward(bf, &chained);
            if e.last() == 0 {
                store(e, bf, values);
            } else {
                e.write_tile(bf, values);
            }
        };
        if self.down {
            let load: Load = &|e, p| Some(format!("swap(start[{}])", self.index(e, self.from, p)));
            let last = e.last();
            e.descend(last, load, &mut |e, bf, values| bottom(e, bf, Some(values)));
        } else {
            e.butterflies(0, &mut |e, bf| bottom(e, bf, None));
        }
        if self.up && e.last() > 0 {
            e.climb(1, &|_, _| None, &mut |e, bf, values| store(e, bf, values));
        }
    }

    /// Samples of a row that are there: of the field, or of the whole line between its parts.
    fn limit(&self) -> usize {
        let between = (!self.down && self.from == Array::Scratch)
            || (!self.up && self.to == Some(Array::Scratch));
        if between { self.padded[1] } else { self.field[1] }
    }

    /// The condition under which a place is there; none if it is not.
    fn condition(&self, e: &Emit, place: &Place, guarded: bool) -> Option<Vec<String>> {
        let limit = self.limit();
        let mut conditions = Vec::new();
        if guarded {
            conditions.push("live".to_owned());
        }
        // What lies in other rows of a field may be no number.
        if self.leaves_out() && self.from == Array::Field {
            conditions.push("lit".to_owned());
        }
        match e.below(place, limit) {
            Some(false) => return None,
            Some(true) => {}
            None => conditions.push(format!("{} < {}u", e.position(place), limit / e.group.wide())),
        }
        Some(conditions)
    }

    /// One value through the chain; none where the line is padded.
    fn chain(
        &self,
        e: &mut Emit,
        place: &Place,
        value: Option<String>,
        guarded: bool,
    ) -> Option<String> {
        let writes = self.links.iter().any(|l| l.writes().is_some()) || !self.up;
        let conditions = self.condition(e, place, guarded && writes)?;
        let name = format!("e{}", place.index);
        let value = value.unwrap_or_else(|| format!("start[{}]", self.index(e, self.from, place)));
        let conditional = !conditions.is_empty();
        if conditional {
            e.line(&format!("var {name} = C();"));
            e.open(&format!("if ({}) {{", conditions.join(" && ")));
            e.line(&format!("{name} = {value};"));
        } else {
            e.line(&format!("var {name} = {value};"));
        }
        let (nx, position) = (self.field[1] / e.group.wide(), e.position(place));
        let (once, own) = (format!("row * {nx}u + {position}"), format!("at * {nx}u + {position}"));
        for (i, link) in self.links.iter().enumerate() {
            let slot = place.slot;
            e.line(&match link {
                Link::Modulate { conj: false } => {
                    format!("{name} = times_each({name}, in{i}[{once}]);")
                }
                Link::Modulate { conj: true } => {
                    format!("{name} = times_conj({name}, in{i}[{once}]);")
                }
                Link::Attenuate => format!("{name} = scaled({name}, in{i}[{once}]);"),
                Link::Store(Saved::Whole) => format!("out{i}[{own}] = {name};"),
                Link::Store(Saved::Half) => format!("out{i}[{own}] = halved({name});"),
                Link::StoreIntensity => format!("out{i}[{own}] = power({name});"),
                Link::Grad(kind, saved) => {
                    let kept = match saved {
                        Saved::Whole => format!("in{i}[{own}]"),
                        Saved::Half => format!("whole(in{i}[{own}])"),
                    };
                    let product = match kind {
                        GradSum::Phase => "cross_power",
                        GradSum::Amplitude => "dot_power",
                    };
                    format!("sum{i}_{slot} += {product}({kept}, {name});")
                }
            });
        }
        if !self.up
            && let Some(to) = self.to
        {
            let index = self.index(e, to, place);
            e.line(&format!("end[{index}] = {name};"));
        }
        if conditional {
            e.close();
        }
        Some(name)
    }

    /// Reads a leaf's sums into registers before its samples, or writes them behind.
    fn sums(&self, e: &mut Emit, guarded: bool, write: bool) {
        let (ny, nx) = (self.field[0], self.field[1] / e.group.wide());
        let grads: Vec<usize> =
            (0..self.links.len()).filter(|&i| matches!(self.links[i], Link::Grad(..))).collect();
        if !write {
            for slot in 0..e.held(0) {
                for i in &grads {
                    e.line(&format!("var sum{i}_{slot} = R();"));
                }
            }
        }
        e.rounds(0, false, &mut |e, bf| {
            for place in bf.places() {
                let Some(conditions) = self.condition(e, &place, guarded) else { continue };
                let index = format!("(w.y * {ny}u + row) * {nx}u + {}", e.position(&place));
                if !conditions.is_empty() {
                    e.open(&format!("if ({}) {{", conditions.join(" && ")));
                }
                for i in &grads {
                    let (sum, memory) =
                        (format!("sum{i}_{}", place.slot), format!("out{i}[{index}]"));
                    e.line(&if write {
                        format!("{memory} = {sum};")
                    } else {
                        format!("{sum} = {memory};")
                    });
                }
                if !conditions.is_empty() {
                    e.close();
                }
            }
        });
    }
}
