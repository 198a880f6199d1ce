//! The text of a pass.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::plan::LinePlan;
use crate::backend::gpu::shaders;

/// One stage: radix, block, stride inside a butterfly.
#[derive(Debug, Clone, Copy)]
struct Stage {
    radix: usize,
    block: usize,
    stride: usize,
}

pub struct Emit<'a> {
    plan: &'a LinePlan,
    field: [usize; 2],
    padded: [usize; 2],
    along_x: bool,
    stages: Vec<Stage>,
    bindings: String,
    body: String,
}

/// Where a butterfly's values come from or go to: WGSL for the value at position `at`.
type Load<'b> = &'b dyn Fn(&str, usize) -> String;
type Store<'b> = &'b dyn Fn(&str, usize, &str) -> String;

impl<'a> Emit<'a> {
    pub fn new(plan: &'a LinePlan, field: [usize; 2], padded: [usize; 2], along_x: bool) -> Self {
        let mut block = plan.length;
        let stage = |&radix: &usize| {
            let stage = Stage { radix, block, stride: block / radix };
            block /= radix;
            stage
        };
        let stages = plan.radices.iter().map(stage).collect();
        Self { plan, field, padded, along_x, stages, bindings: String::new(), body: String::new() }
    }

    fn line(&mut self, text: &str) {
        self.body.push_str("    ");
        self.body.push_str(text);
        self.body.push('\n');
    }

    fn bind(&mut self, names: &[(&str, bool)]) {
        for (i, (name, write)) in names.iter().enumerate() {
            let access = if *write { "read_write" } else { "read" };
            let binding = i + 1;
            let _ = writeln!(
                self.bindings,
                "@group(0) @binding({binding}) var<storage, {access}> {name}: array<vec2<f32>>;"
            );
        }
    }

    /// Emits the butterflies of stage `j`. `load` and `store` get the position of the butterfly's
    /// first value and the index of a value in it.
    fn stage(&mut self, j: usize, transposed: bool, load: Load, store: Store) {
        let Stage { radix, block, stride } = self.stages[j];
        let (count, threads) = (self.plan.length / radix, self.plan.threads);
        let step = self.plan.length / block;
        for round in 0..count.div_ceil(threads) {
            let first = round * threads;
            // Lines whose butterflies do not fill the last round leave threads idle there.
            let guarded = first + threads > count;
            let open =
                if guarded { format!("if (t + {first}u < {count}u) {{") } else { "{".into() };
            self.line(&open);
            self.line(&format!("    let b = t + {first}u;"));
            // With one block the butterfly's number is its place.
            if block == self.plan.length {
                self.line("    let n = b;");
                self.line("    let base = b;");
            } else if stride == 1 {
                self.line(&format!("    let base = b * {radix}u;"));
            } else {
                self.line(&format!("    let n = b % {stride}u;"));
                self.line(&format!("    let base = (b / {stride}u) * {block}u + n;"));
            }
            let twiddle = |k: usize, value: &str| {
                if k == 0 || stride == 1 {
                    value.to_owned()
                } else {
                    format!("mul({value}, twiddles[n * {}u])", k * step)
                }
            };
            for i in 0..radix {
                let value = load("base", i * stride);
                let value = if transposed { twiddle(i, &value) } else { value };
                self.line(&format!("    let x{i} = {value};"));
            }
            if radix == 1 {
                self.line("    let y = array<vec2<f32>, 1>(x0);");
            } else {
                let arguments: Vec<String> = (0..radix).map(|i| format!("x{i}")).collect();
                self.line(&format!("    let y = fft_r{radix}({});", arguments.join(", ")));
            }
            for k in 0..radix {
                let value = format!("y[{k}]");
                let value = if transposed { value } else { twiddle(k, &value) };
                let text = store("base", k * stride, &value);
                self.line(&format!("    {text}"));
            }
            self.line("}");
        }
    }

    /// All forward stages but the last; the first reads through `load`.
    fn forward_but_last(&mut self, load: Load) {
        let last = self.stages.len() - 1;
        let (tile_load, tile_store) = (self.tile_load(), self.tile_store());
        for j in 0..last {
            self.stage(j, false, if j == 0 { load } else { &tile_load }, &tile_store);
            self.line("workgroupBarrier();");
        }
    }

    /// A value of this invocation's line in workgroup memory.
    fn tile_load(&self) -> impl Fn(&str, usize) -> String + use<> {
        let (along_x, length, lines) = (self.along_x, self.plan.length, self.plan.lines);
        move |base: &str, at: usize| {
            if along_x {
                format!("tile[line * {length}u + {base} + {at}u]")
            } else {
                format!("tile[({base} + {at}u) * {lines}u + line]")
            }
        }
    }

    fn tile_store(&self) -> impl Fn(&str, usize, &str) -> String + use<> {
        let place = self.tile_load();
        move |base: &str, at: usize, v: &str| format!("{} = {v};", place(base, at))
    }

    /// Pads: the value at a position of the line, or zero past the field.
    fn padded_load(&self, array: &str) -> impl Fn(&str, usize) -> String + use<> {
        let array = array.to_owned();
        let (along_x, n, width) =
            (self.along_x, self.field[usize::from(self.along_x)], self.padded[1]);
        move |base: &str, at: usize| {
            let index = if along_x {
                format!("at + {base} + {at}u")
            } else {
                format!("at + ({base} + {at}u) * {width}u")
            };
            format!("select(vec2<f32>(0.0), {array}[{index}], live && {base} + {at}u < {n}u)")
        }
    }

    /// Crops: stores a swapped value if its position lies in the field.
    fn cropped_store(&self) -> impl Fn(&str, usize, &str) -> String + use<> {
        let (along_x, n, width) =
            (self.along_x, self.field[usize::from(self.along_x)], self.padded[1]);
        move |base: &str, at: usize, v: &str| {
            let index = if along_x {
                format!("at + {base} + {at}u")
            } else {
                format!("at + ({base} + {at}u) * {width}u")
            };
            format!("if (live && {base} + {at}u < {n}u) {{ dst[{index}] = {v}.yx; }}")
        }
    }

    /// The transposed stages below the last, from workgroup memory to the field.
    fn inverse_but_last(&mut self) {
        let (tile_load, tile_store, crop) =
            (self.tile_load(), self.tile_store(), self.cropped_store());
        for j in (0..self.stages.len() - 1).rev() {
            self.line("workgroupBarrier();");
            if j == 0 {
                self.stage(j, true, &tile_load, &crop);
            } else {
                self.stage(j, true, &tile_load, &tile_store);
            }
        }
    }

    fn rows_place(&mut self, width: usize) {
        let (threads, lines, ny) = (self.plan.threads, self.plan.lines, self.field[0]);
        self.line(&format!("let line = l / {threads}u;"));
        self.line(&format!("let t = l % {threads}u;"));
        self.line(&format!("let row = w.x * {lines}u + line;"));
        self.line(&format!("let live = row < {ny}u;"));
        self.line(&format!("let at = (w.y * {ny}u + row) * {width}u;"));
    }

    fn columns_place(&mut self, sample: &str) {
        let (ny, width) = (self.field[0], self.padded[1]);
        self.line(&format!("let at = {sample} * {}u + column;", ny * width));
    }

    fn column(&mut self) {
        let (lines, width) = (self.plan.lines, self.padded[1]);
        self.line(&format!("let line = l % {lines}u;"));
        self.line(&format!("let t = l / {lines}u;"));
        self.line(&format!("let column = w.x * {lines}u + line;"));
        self.line(&format!("let live = column < {width}u;"));
    }

    pub fn rows_in(&mut self) {
        self.bind(&[("src", false), ("dst", true), ("twiddles", false)]);
        let (nx, mx) = (self.field[1], self.padded[1]);
        self.rows_place(nx);
        self.line(&format!("let to = (w.y * {}u + row) * {mx}u;", self.field[0]));
        let (pad, tile_load) = (self.padded_load("src"), self.tile_load());
        self.forward_but_last(&pad);
        let store = |base: &str, at: usize, v: &str| {
            format!("if (live) {{ dst[to + {base} + {at}u] = {v}; }}")
        };
        let last = self.stages.len() - 1;
        self.stage(last, false, if last == 0 { &pad } else { &tile_load }, &store);
    }

    pub fn rows_out(&mut self) {
        self.bind(&[("src", false), ("dst", true), ("twiddles", false)]);
        let (nx, mx) = (self.field[1], self.padded[1]);
        self.rows_place(nx);
        self.line(&format!("let from_row = (w.y * {}u + row) * {mx}u;", self.field[0]));
        let load = |base: &str, at: usize| {
            format!("select(vec2<f32>(0.0), src[from_row + {base} + {at}u].yx, live)")
        };
        let (tile_store, crop) = (self.tile_store(), self.cropped_store());
        let last = self.stages.len() - 1;
        self.stage(last, true, &load, if last == 0 { &crop } else { &tile_store });
        self.inverse_but_last();
    }

    pub fn columns(&mut self, conj: bool) {
        self.bind(&[("src", false), ("dst", true), ("twiddles", false), ("transfer", false)]);
        self.column();
        self.columns_place("w.y");
        let (pad, tile_load) = (self.padded_load("src"), self.tile_load());
        self.forward_but_last(&pad);
        // The last forward and the first inverse butterfly meet in registers around x H.
        let (tile_store, crop) = (self.tile_store(), self.cropped_store());
        let last = self.stages.len() - 1;
        let Stage { radix, .. } = self.stages[last];
        let width = self.padded[1];
        let product = if conj { "mul_conj" } else { "mul" };
        let store: Store = if last == 0 { &crop } else { &tile_store };
        let back = |base: &str, at: usize, v: &str| {
            let k = at;
            let h = format!("transfer[({base} + {k}u) * {width}u + min(column, {}u)]", width - 1);
            let mut text = format!("let h{k} = {product}({h}, {v}).yx;");
            if k + 1 == radix {
                if radix == 1 {
                    text += " let z = array<vec2<f32>, 1>(h0);";
                } else {
                    let arguments: Vec<String> = (0..radix).map(|i| format!("h{i}")).collect();
                    let _ = write!(text, " let z = fft_r{radix}({});", arguments.join(", "));
                }
                for i in 0..radix {
                    text.push_str("\n        ");
                    text.push_str(&store(base, i, &format!("z[{i}]")));
                }
            }
            text
        };
        self.stage(last, false, if last == 0 { &pad } else { &tile_load }, &back);
        self.inverse_but_last();
    }

    pub fn columns_grad(&mut self) {
        self.bind(&[("x", false), ("g", false), ("twiddles", false), ("sums", true)]);
        self.column();
        let last = self.stages.len() - 1;
        let Stage { radix, .. } = self.stages[last];
        let rounds = (self.plan.length / radix).div_ceil(self.plan.threads);
        let (my, mx) = (self.padded[0], self.padded[1]);
        self.line(&format!("var kept: array<vec2<f32>, {}>;", rounds * radix));
        self.line("let low = max(w.y * p.leaf, p.first);");
        self.line("let high = min((w.y + 1u) * p.leaf, p.first + p.count);");
        self.line("for (var s = low; s < high; s++) {");
        self.columns_place("(s - p.first)");
        for array in ["x", "g"] {
            let (pad, tile_load) = (self.padded_load(array), self.tile_load());
            self.forward_but_last(&pad);
            let threads = self.plan.threads;
            let store = |base: &str, at: usize, v: &str| {
                // Which round this is, is the butterfly's number over the threads.
                let slot = format!("(b / {threads}u) * {radix}u + {at}u");
                if array == "x" {
                    format!("kept[{slot}] = {v};")
                } else {
                    let sum =
                        format!("sums[w.y * {}u + ({base} + {at}u) * {mx}u + column]", my * mx);
                    format!("if (live) {{ {sum} += mul_conj(kept[{slot}], {v}); }}")
                }
            };
            self.stage(last, false, if last == 0 { &pad } else { &tile_load }, &store);
            self.line("workgroupBarrier();");
        }
        self.line("}");
    }

    /// Library, bindings, body.
    pub fn finish(self) -> String {
        let Self { plan, stages, bindings, body, .. } = self;
        let mut text = String::new();
        let radices: BTreeSet<usize> = stages.iter().map(|s| s.radix).filter(|&r| r > 1).collect();
        let files = radices.iter().map(|r| format!("lib/fft_r{r}.wgsl"));
        for path in std::iter::once("lib/complex.wgsl".to_owned()).chain(files) {
            text.push_str(shaders::file(&path).unwrap_or_default());
            text.push('\n');
        }
        let _ = write!(
            text,
            "struct Params {{\n    first: u32,\n    count: u32,\n    leaf: u32,\n    len: u32,\n}}\n\n\
             @group(0) @binding(0) var<uniform> p: Params;\n{bindings}\n\
             var<workgroup> tile: array<vec2<f32>, {}>;\n\n\
             @compute @workgroup_size({})\n\
             fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {{\n{body}}}\n",
            plan.length * plan.lines,
            plan.threads * plan.lines,
        );
        text
    }
}
