//! Kernels over columns: forward stages, times H, inverse stages; or the gradient of H.

use super::butterfly::Place;
use super::emit::{Emit, Load};
use super::plan::{Group, Limits, Part};
use super::{LineKernel, Operand, Sums};

/// A hybrid field of ny rows, or one of my rows between the two parts of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    pub operand: Operand,
    pub rows: usize,
}

pub struct Columns {
    pub padded: [usize; 2],
    pub part: Part,
}

impl Columns {
    fn start(&self, limits: &Limits) -> (Emit, usize) {
        let width = self.padded[1];
        let group = Group::beside(&self.part, width, true, limits);
        let mut e = Emit::new(self.part.clone(), group, true);
        let (lines, lanes) = (group.lines, width / group.wide());
        e.line(&format!("let own = w.x * {lines}u + line;"));
        if lanes.is_multiple_of(lines) {
            e.line("let column = own;");
        } else {
            e.line(&format!("let live = own < {lanes}u;"));
            e.line(&format!("let column = min(own, {}u);", lanes - 1));
        }
        match (self.part.outer, self.part.inner) {
            (1, 1) => {}
            (1, _) => e.line("let apart = w.z;"),
            _ => e.line("let block = w.z;"),
        }
        (e, lanes)
    }

    fn end(&self, e: Emit, lanes: usize, sums: Sums) -> LineKernel {
        let depth = if self.part.outer == 1 { self.part.inner } else { self.part.outer };
        let groups = lanes.div_ceil(e.group.lines);
        e.finish([groups, depth], sums)
    }

    /// Index of a place in an array of so many rows.
    fn index(e: &Emit, lanes: usize, rows: usize, place: &Place) -> String {
        let position = e.position(place);
        format!("(sample * {rows}u + {position}) * {lanes}u + column")
    }

    /// A value of a column, zero past its rows.
    fn load(e: &mut Emit, lanes: usize, name: &str, rows: usize, place: &Place) -> Option<String> {
        let value = format!("{name}[{}]", Self::index(e, lanes, rows, place));
        match e.below(place, rows) {
            Some(true) => Some(value),
            Some(false) => None,
            None => {
                let (v, position) = (format!("v{}", place.index), e.position(place));
                e.line(&format!("var {v} = C();"));
                e.line(&format!("if ({position} < {rows}u) {{ {v} = {value}; }}"));
                Some(v)
            }
        }
    }

    fn store(e: &mut Emit, lanes: usize, name: &str, rows: usize, place: &Place, v: &str) {
        let below = e.below(place, rows);
        if below == Some(false) {
            return;
        }
        let mut conditions = Vec::new();
        if !lanes.is_multiple_of(e.group.lines) {
            conditions.push("live".to_owned());
        }
        if below.is_none() {
            conditions.push(format!("{} < {rows}u", e.position(place)));
        }
        let store = format!("{name}[{}] = {v};", Self::index(e, lanes, rows, place));
        e.line(&if conditions.is_empty() {
            store
        } else {
            format!("if ({}) {{ {store} }}", conditions.join(" && "))
        });
    }

    /// F^H H F of a whole column, or of the lower part of one, in place.
    pub fn product(&self, from: Array, to: Array, conj: bool, limits: &Limits) -> LineKernel {
        let (mut e, lanes) = self.start(limits);
        let in_place = from == to;
        e.bind(from.operand, "start", "C", in_place);
        e.bind(Operand::Input(1), "transfer", "C", false);
        if !in_place {
            e.bind(to.operand, "end", "C", true);
        }
        let end = if in_place { "start" } else { "end" };
        e.line("let sample = w.y;");
        let load: Load = &|e, p| Self::load(e, lanes, "start", from.rows, p);
        let product = if conj { "times_conj" } else { "times_each" };
        let last = e.last();
        let store = |e: &mut Emit, places: &mut dyn Iterator<Item = Place>, values: Vec<String>| {
            for (place, v) in places.zip(values) {
                Self::store(e, lanes, end, to.rows, &place, &format!("swap({v})"));
            }
        };
        // The last forward and the first inverse butterfly meet in registers around x H.
        e.climb(0, load, &mut |e, bf, values| {
            let times = |(place, v): (Place, String)| {
                let h = format!("transfer[({}) * {lanes}u + column]", e.position(&place));
                format!("swap({product}({v}, {h}))")
            };
            let values = bf.places().zip(values).map(times).collect();
            let values = e.inverse(bf, values);
            if last == 0 {
                store(e, &mut bf.places(), values);
            } else {
                e.write_tile(bf, values);
            }
        });
        if last > 0 {
            e.descend(last - 1, &|_, _| None, &mut |e, bf, values| {
                store(e, &mut bf.places(), values);
            });
        }
        self.end(e, lanes, Sums::Nothing)
    }

    /// The upper part of a column alone: forward, or `down` again.
    pub fn half(&self, from: Array, to: Array, down: bool, limits: &Limits) -> LineKernel {
        let (mut e, lanes) = self.start(limits);
        e.bind(from.operand, "start", "C", false);
        e.bind(to.operand, "end", "C", true);
        e.line("let sample = w.y;");
        if down {
            let load: Load =
                &|e, p| Some(format!("swap(start[{}])", Self::index(e, lanes, from.rows, p)));
            let last = e.last();
            e.descend(last, load, &mut |e, bf, values| {
                for (place, v) in bf.places().zip(values) {
                    Self::store(e, lanes, "end", to.rows, &place, &format!("swap({v})"));
                }
            });
        } else {
            let load: Load = &|e, p| Self::load(e, lanes, "start", from.rows, p);
            e.climb(0, load, &mut |e, bf, values| {
                for (place, v) in bf.places().zip(values) {
                    Self::store(e, lanes, "end", to.rows, &place, &v);
                }
            });
        }
        self.end(e, lanes, Sums::Nothing)
    }

    /// sums += conj(F x) F g, over the samples of a leaf in their order.
    pub fn grad(&self, x: Array, g: Array, limits: &Limits) -> LineKernel {
        let (mut e, lanes) = self.start(limits);
        e.bind(x.operand, "x", "C", false);
        e.bind(g.operand, "g", "C", false);
        e.bind(Operand::Output(0), "sums", "C", true);
        let my = self.padded[0];
        let held = e.held(e.last());
        e.line(&format!("var kept: array<C, {held}>;"));
        let sums = Sums::of(&limits.table);
        e.leaf(sums);
        e.open_samples(sums);
        let guarded = !lanes.is_multiple_of(e.group.lines);
        for (name, array) in [("x", x), ("g", g)] {
            if name == "g" {
                e.barrier();
            }
            let load: Load = &|e, p| Self::load(e, lanes, name, array.rows, p);
            e.climb(0, load, &mut |e, bf, values| {
                for (place, v) in bf.places().zip(values) {
                    let slot = place.slot;
                    if name == "x" {
                        e.line(&format!("kept[{slot}] = {v};"));
                        continue;
                    }
                    let position = e.position(&place);
                    let index = format!("(leaf * {my}u + {position}) * {lanes}u + column");
                    let add = format!("sums[{index}] += times_conj({v}, kept[{slot}]);");
                    e.line(&if guarded { format!("if (live) {{ {add} }}") } else { add });
                }
            });
        }
        e.close_samples(sums);
        self.end(e, lanes, sums)
    }
}
