//! The text of a kernel: bindings, butterflies, ways up and down the stages of a part.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::butterfly::{Butterfly, Place, Stage};
use super::plan::{Group, Pair, Part};
use super::{LineKernel, Operand, Sums};
use crate::backend::gpu::shaders;

/// Emits the value at a place and names it; none where it is known to be zero.
pub type Load<'b> = &'b dyn Fn(&mut Emit, &Place) -> Option<String>;
/// What becomes of a butterfly's values, which are expressions.
pub type Finish<'b> = &'b mut dyn FnMut(&mut Emit, &Butterfly, Vec<String>);

pub struct Emit {
    pub part: Part,
    pub group: Group,
    /// Neighbouring sub-lines lie side by side, and so do their threads.
    beside: bool,
    stages: Vec<Stage>,
    bindings: Vec<(Operand, bool)>,
    declared: String,
    body: String,
    depth: usize,
}

impl Emit {
    pub fn new(part: Part, group: Group, beside: bool) -> Self {
        let mut block = part.length;
        let stage = |&radix: &usize| {
            let stage = Stage { radix, block, stride: block / radix };
            block /= radix;
            stage
        };
        let stages = part.radices.iter().map(stage).collect();
        let mut emit = Self {
            part,
            group,
            beside,
            stages,
            bindings: Vec::new(),
            declared: String::new(),
            body: String::new(),
            depth: 1,
        };
        emit.bind(Operand::Twiddles, "twiddles", "vec2<f32>", false);
        let Group { threads, lines, .. } = group;
        if beside {
            emit.line(&format!("let line = l % {lines}u;"));
            emit.line(&format!("let t = l / {lines}u;"));
        } else {
            emit.line(&format!("let line = l / {threads}u;"));
            emit.line(&format!("let t = l % {threads}u;"));
        }
        emit
    }

    pub fn line(&mut self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(self.body, "{:1$}{line}", "", 4 * self.depth);
        }
    }

    pub fn open(&mut self, text: &str) {
        self.line(text);
        self.depth += 1;
    }

    pub fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    pub fn barrier(&mut self) {
        self.line("workgroupBarrier();");
    }

    /// The next storage binding.
    pub fn bind(&mut self, operand: Operand, name: &str, element: &str, write: bool) {
        self.bindings.push((operand, write));
        let access = if write { "read_write" } else { "read" };
        let _ = writeln!(
            self.declared,
            "@group(0) @binding({}) var<storage, {access}> {name}: array<{element}>;",
            self.bindings.len()
        );
    }

    /// Butterflies of neighbours that share a lane.
    fn side(&self) -> usize {
        if self.group.pair == Pair::Butterflies { 2 } else { 1 }
    }

    /// Values that a lane holds in a stage.
    pub fn held(&self, stage: usize) -> usize {
        let radix = self.stages[stage].radix;
        (self.part.length / radix / self.side()).div_ceil(self.group.threads) * radix
    }

    pub fn last(&self) -> usize {
        self.stages.len() - 1
    }

    /// Emits the butterflies of a stage, round by round, with their twiddles.
    pub fn butterflies(&mut self, stage: usize, each: &mut dyn FnMut(&mut Self, &Butterfly)) {
        let Stage { radix, stride, .. } = self.stages[stage];
        self.rounds(stage, radix > 1 && (stride > 1 || self.part.inner > 1), each);
    }

    /// Likewise, without twiddles unless it `turns`: where values are only moved.
    pub fn rounds(
        &mut self,
        stage: usize,
        turns: bool,
        each: &mut dyn FnMut(&mut Self, &Butterfly),
    ) {
        let Stage { radix, block, stride } = self.stages[stage];
        let side = self.side();
        let (count, threads) = (self.part.length / radix / side, self.group.threads);
        for number in 0..count.div_ceil(threads) {
            let first = number * threads;
            // Lines whose butterflies do not fill the last round leave threads idle there.
            let guarded = first + threads > count;
            self.open(&if guarded {
                format!("if (t + {first}u < {count}u) {{")
            } else {
                "{".into()
            });
            self.line(&format!("let b = t + {first}u;"));
            let (block, near) = (block / side, stride / side);
            // With one block the butterfly's number is its place.
            let one_block = block == self.part.length / side;
            let within = if one_block { "b".into() } else { format!("(b % {near}u)") };
            self.line(&if one_block {
                "let base = b;".into()
            } else if stride == 1 {
                format!("let base = b * {radix}u;")
            } else {
                format!("let base = (b / {near}u) * {block}u + {within};")
            });
            if turns {
                self.twiddles(self.stages[stage], &within);
            }
            each(self, &Butterfly { stage: self.stages[stage], turns, number });
            self.close();
        }
    }

    /// exp(-2πi n k / L) for k below the radix: powers of two from the table, the others as their
    /// products, which is at most log2 r roundings and a third of the loads.
    fn twiddles(&mut self, stage: Stage, within: &str) {
        let (inner, side) = (self.part.inner, self.side());
        let within = if side == 1 { within.to_owned() } else { format!("{within} * {side}u") };
        let n = match (inner, stage.stride) {
            (1, _) => within,
            (_, 1) => "apart".into(),
            _ => format!("{within} * {inner}u + apart"),
        };
        self.line(&format!("let n = {n};"));
        let step = self.part.line / (stage.block * inner);
        for k in 1..stage.radix {
            let high = 1 << k.ilog2();
            let turn = k * step;
            self.line(&match (k == high, side) {
                (true, 1) => format!("let w{k} = twiddles[n * {turn}u];"),
                // The neighbour's is this one turned by a constant.
                (true, _) => {
                    let angle = -std::f64::consts::TAU * turn as f64 / self.part.line as f64;
                    let (re, im) = (angle.cos() as f32, angle.sin() as f32);
                    format!(
                        "let r{k} = twiddles[n * {turn}u];\nlet w{k} = C(r{k}, mul(r{k}, vec2<f32>({re:?}, {im:?})));"
                    )
                }
                (false, 1) => format!("let w{k} = mul(w{high}, w{});", k - high),
                (false, _) => format!("let w{k} = times_each(w{high}, w{});", k - high),
            });
        }
    }

    /// The butterfly of `values`; its outputs are elements of `name`.
    fn transform(&mut self, name: &str, values: &[String]) -> Vec<String> {
        if values.len() == 1 {
            return values.to_vec();
        }
        let arguments = values.join(", ");
        self.line(&format!("let {name} = fft_r{}({arguments});", values.len()));
        (0..values.len()).map(|k| format!("{name}[{k}]")).collect()
    }

    fn turned(&self, bf: &Butterfly, values: Vec<String>) -> Vec<String> {
        let times = if self.side() == 1 { "times" } else { "times_each" };
        let turn = |(k, v): (usize, String)| match k {
            0 => v,
            _ if bf.turns => format!("{times}({v}, w{k})"),
            _ => v,
        };
        values.into_iter().enumerate().map(turn).collect()
    }

    /// Forward: butterfly, then twiddles.
    pub fn forward(&mut self, bf: &Butterfly, values: &[Option<String>]) -> Vec<String> {
        let or_zero = |(i, v): (usize, &Option<String>)| {
            if let Some(v) = v {
                self.line(&format!("let x{i} = {v};"));
                format!("x{i}")
            } else {
                "C()".into()
            }
        };
        let values: Vec<String> = values.iter().enumerate().map(or_zero).collect();
        let values = self.transform("y", &values);
        self.turned(bf, values)
    }

    /// Inverse, on exchanged parts: twiddles, then the same butterfly.
    pub fn inverse(&mut self, bf: &Butterfly, values: Vec<String>) -> Vec<String> {
        let mut named = Vec::new();
        for (k, v) in self.turned(bf, values).into_iter().enumerate() {
            self.line(&format!("let u{k} = {v};"));
            named.push(format!("u{k}"));
        }
        self.transform("z", &named)
    }

    /// Index in workgroup memory of what lies `at` behind the base of this lane's sub-line.
    fn tile(&self, at: usize) -> String {
        let (length, lines) = (self.part.length / self.side(), self.group.lines);
        if self.beside {
            format!("tile[(base + {at}u) * {lines}u + line]")
        } else {
            format!("tile[line * {length}u + base + {at}u]")
        }
    }

    /// Whether the values of a lane's two butterflies lie one behind the other, not side by side.
    fn is_apart(&self, bf: &Butterfly) -> bool {
        self.side() > 1 && bf.stage.stride == 1
    }

    fn read_tile(&mut self, bf: &Butterfly) -> Vec<String> {
        let side = self.side();
        if !self.is_apart(bf) {
            return bf.places().map(|p| self.tile(p.at / side)).collect();
        }
        let half = bf.stage.radix / 2;
        for j in 0..bf.stage.radix {
            let tile = self.tile(j);
            self.line(&format!("let a{j} = {tile};"));
        }
        let value = |i: usize| {
            let (j, part) = (i / 2, if i.is_multiple_of(2) { "xy" } else { "zw" });
            format!("C(a{j}.{part}, a{}.{part})", j + half)
        };
        (0..bf.stage.radix).map(value).collect()
    }

    pub fn write_tile(&mut self, bf: &Butterfly, values: Vec<String>) {
        let side = self.side();
        if self.is_apart(bf) {
            let half = bf.stage.radix / 2;
            for j in 0..half {
                for (first, part) in [(0, "xy"), (half, "zw")] {
                    let tile = self.tile(first + j);
                    let (low, high) = (&values[2 * j], &values[2 * j + 1]);
                    self.line(&format!("{tile} = C({low}.{part}, {high}.{part});"));
                }
            }
            return;
        }
        for (place, v) in bf.places().zip(values) {
            let tile = self.tile(place.at / side);
            self.line(&format!("{tile} = {v};"));
        }
    }

    /// The stages from `first` on, forward: the very first reads through `load`, the last ends in
    /// `finish`.
    pub fn climb(&mut self, first: usize, load: Load, finish: Finish) {
        let last = self.last();
        for stage in first..=last {
            if stage > 0 {
                self.barrier();
            }
            self.butterflies(stage, &mut |e, bf| {
                let values: Vec<_> = if stage == 0 {
                    bf.places().map(|p| load(e, &p)).collect()
                } else {
                    e.read_tile(bf).into_iter().map(Some).collect()
                };
                let values = e.forward(bf, &values);
                if stage == last {
                    finish(e, bf, values);
                } else {
                    e.write_tile(bf, values);
                }
            });
        }
    }

    /// The stages from `first` down to none, inverse: stage `last` reads through `load`, stage 0
    /// ends in `finish`, both with exchanged parts.
    pub fn descend(&mut self, first: usize, load: Load, finish: Finish) {
        let last = self.last();
        for stage in (0..=first).rev() {
            if stage < last {
                self.barrier();
            }
            self.butterflies(stage, &mut |e, bf| {
                let top = |e: &mut Self, p: &Place| {
                    load(e, p).unwrap_or_else(|| unreachable!("a transformed line has no padding"))
                };
                let values = if stage == last {
                    bf.places().map(|p| top(e, &p)).collect()
                } else {
                    e.read_tile(bf)
                };
                let values = e.inverse(bf, values);
                if stage == 0 {
                    finish(e, bf, values);
                } else {
                    e.write_tile(bf, values);
                }
            });
        }
    }

    /// Where a place lies in the whole line, in lanes' values.
    pub fn position(&self, place: &Place) -> String {
        let Part { outer, length, inner, .. } = self.part;
        let (at, length) = (place.at / self.side(), length / self.side());
        match (outer, inner) {
            (1, 1) => format!("base + {at}u"),
            (1, _) => format!("(base + {at}u) * {inner}u + apart"),
            _ => format!("block * {length}u + base + {at}u"),
        }
    }

    /// Whether the position of a place is surely below `limit`, surely not, or a question.
    pub fn below(&self, place: &Place, limit: usize) -> Option<bool> {
        let Part { outer, inner, .. } = self.part;
        if outer > 1 {
            return (limit >= self.part.line).then_some(true);
        }
        if place.high * inner <= limit {
            Some(true)
        } else if place.low * inner >= limit {
            Some(false)
        } else {
            None
        }
    }

    /// Names the copy that is added to.
    pub fn leaf(&mut self, sums: Sums) {
        self.line(match sums {
            Sums::ByTurns => "let leaf = p.turn / p.leaf + w.y;",
            _ => "let leaf = w.y;",
        });
    }

    /// Opens what is done for each of its samples, which is numbered in the micro-batch.
    pub fn open_samples(&mut self, sums: Sums) {
        if sums == Sums::ByTurns {
            self.open("{");
            self.line("let sample = p.turn - p.first + w.y * p.leaf;");
        } else {
            self.line("let low = max(leaf * p.leaf, p.first);");
            self.line("let high = min((leaf + 1u) * p.leaf, p.first + p.count);");
            self.open("for (var s = low; s < high; s++) {");
            self.line("let sample = s - p.first;");
        }
    }

    /// Closes it; in a loop the next sample waits until the tile was read.
    pub fn close_samples(&mut self, sums: Sums) {
        if sums == Sums::Whole {
            self.barrier();
        }
        self.close();
    }

    /// Library, bindings, body; one group of workgroups has `groups` along x and z.
    pub fn finish(self, groups: [usize; 2], sums: Sums) -> LineKernel {
        let tile = self.part.length / self.side() * self.group.lines;
        let Self { part, group, bindings, declared, body, .. } = self;
        let mut text = String::new();
        let radices: BTreeSet<usize> = part.radices.iter().copied().filter(|&r| r > 1).collect();
        let wide = if group.wide() == 2 { "two" } else { "one" };
        let mut files = vec!["complex".to_owned(), format!("lane_{wide}")];
        files.extend(declared.contains("array<H>").then(|| format!("half_{wide}")));
        files.extend(radices.iter().map(|r| format!("fft_r{r}")));
        for name in files {
            text.push_str(shaders::file(&format!("lib/{name}.wgsl")).unwrap_or_default());
            text.push('\n');
        }
        let turn = if sums == Sums::ByTurns { "    turn: u32,\n" } else { "" };
        let _ = write!(
            text,
            "struct Params {{\n    first: u32,\n    count: u32,\n    leaf: u32,\n    len: u32,\n{turn}}}\n\n\
             @group(0) @binding(0) var<uniform> p: Params;\n{declared}\n\
             var<workgroup> tile: array<C, {}>;\n\n\
             @compute @workgroup_size({})\n\
             fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {{\n{body}}}\n",
            tile,
            group.threads * group.lines,
        );
        LineKernel { text, length: part.line, bindings, sums, groups }
    }
}
