//! Kernels over rows: inverse stages down to the natural order, a chain of links there, forward
//! stages up again; either half may be missing. Past the field nothing is computed.

use std::ops::Range;

use super::butterfly::{Butterfly, Place};
use super::emit::{Emit, Load};
use super::plan::{Group, Limits, Part};
use super::{LineKernel, Operand, Sums};
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

/// The row that has this number among those of some ranges.
pub fn nth(ranges: &[Range<usize>], number: &str) -> String {
    let (mut row, mut before, mut end) = (number.to_owned(), 0, 0);
    for range in ranges {
        let gap = range.start - end;
        if gap > 0 && before == 0 {
            row += &format!(" + {gap}u");
        } else if gap > 0 {
            row += &format!(" + select(0u, {gap}u, {number} >= {before}u)");
        }
        (before, end) = (before + range.len(), range.end);
    }
    row
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
        let done = if self.leaves_out() { self.done.clone() } else { hop::Rows::all(ny) };
        let rows = done.count().max(1);
        // Whole lines fill a workgroup from row to row, parts of lines from part to part.
        let (count, deep) = match (outer, inner) {
            (1, 1) => (rows, 1),
            (1, _) => (inner, rows),
            _ => (outer, rows),
        };
        let group = if inner > 1 {
            Group::beside(&self.part, count, false, limits)
        } else {
            Group::rows(&self.part, count, self.field[1].is_multiple_of(2), limits)
        };
        let mut e = Emit::new(self.part.clone(), group, inner > 1);
        self.bind(&mut e);
        let lines = group.lines;
        let groups = [count.div_ceil(lines), deep];
        let guarded = !count.is_multiple_of(lines);
        let own = format!("w.x * {lines}u + line");
        if guarded {
            e.line(&format!("let live = {own} < {count}u;"));
            e.line(&format!("let own = min({own}, {}u);", count - 1));
        } else {
            e.line(&format!("let own = {own};"));
        }
        let number = if outer * inner == 1 { "own" } else { "w.z" };
        e.line(&format!("let row = {};", nth(done.ranges(), number)));
        match (outer, inner) {
            (1, 1) => {}
            (1, _) => e.line("let apart = own;"),
            _ => e.line("let block = own;"),
        }
        let sums = if self.sums_up() { Sums::of(&limits.table) } else { Sums::Nothing };
        if sums == Sums::Nothing {
            e.line(&format!("let at = w.y * {ny}u + row;"));
            if done.count() > 0 {
                self.body(&mut e, guarded, sums);
            }
            self.blank(&mut e, &done.others(ny), groups);
        } else {
            let whole = sums == Sums::Whole;
            e.leaf(sums);
            if whole {
                self.sums(&mut e, guarded, false);
            }
            e.open_samples(sums);
            e.line(&format!("let at = sample * {ny}u + row;"));
            self.body(&mut e, guarded, sums);
            e.close_samples(sums);
            if whole {
                self.sums(&mut e, guarded, true);
            }
        }
        e.finish(groups, sums)
    }

    /// Adds to sums of leaves.
    fn sums_up(&self) -> bool {
        self.links.iter().any(|l| matches!(l, Link::Grad(..)))
    }

    /// Whether rows are left out; of a sum every row counts.
    fn leaves_out(&self) -> bool {
        self.done.count() < self.field[0] && !self.sums_up()
    }

    /// Zeros in the rows of a hybrid that are left out, by all workgroups of a sample together.
    fn blank(&self, e: &mut Emit, left_out: &hop::Rows, [across, deep]: [usize; 2]) {
        let (wide, [ny, _]) = (e.group.wide(), self.field);
        let (mx, threads) = (self.padded[1] / wide, e.group.threads * e.group.lines);
        let values = mx * left_out.count();
        if self.to != Some(Array::Hybrid) || values == 0 {
            return;
        }
        let (from, step) =
            (format!("(w.z * {across}u + w.x) * {threads}u"), across * deep * threads);
        e.open(&format!("for (var j = {from} + l; j < {values}u; j += {step}u) {{"));
        e.line(&format!("let number = j / {mx}u;"));
        let row = nth(left_out.ranges(), "number");
        e.line(&format!("end[(w.y * {ny}u + {row}) * {mx}u + j % {mx}u] = C();"));
        e.close();
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

    fn body(&self, e: &mut Emit, guarded: bool, sums: Sums) {
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
                    self.chain(e, &p, value, guarded, sums)
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
        sums: Sums,
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
        let summed = |i: usize| match sums {
            Sums::ByTurns => format!("out{i}[{}]", self.of_leaf(e, place)),
            _ => format!("sum{i}_{}", place.slot),
        };
        let line = |(i, link): (usize, &Link)| match link {
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
                format!("{} += {product}({kept}, {name});", summed(i))
            }
        };
        let lines: Vec<String> = self.links.iter().enumerate().map(line).collect();
        e.line(&lines.join("\n"));
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

    /// Index of a place in the sums of a leaf.
    fn of_leaf(&self, e: &Emit, place: &Place) -> String {
        let (ny, nx) = (self.field[0], self.field[1] / e.group.wide());
        format!("(leaf * {ny}u + row) * {nx}u + {}", e.position(place))
    }

    /// Reads the sums of a whole leaf into registers before its samples, or writes them behind.
    fn sums(&self, e: &mut Emit, guarded: bool, write: bool) {
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
                let index = self.of_leaf(e, &place);
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
