// Vectors through the columns of a mesh, forward, by the conjugate transpose, and back again with
// the gradients of the cells: `group` vectors a workgroup, their light in workgroup memory. Where
// `own` is 1 each sample has cells of its own, and a workgroup vectors of one sample.
// needs: complex leaf
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    guides: u32,
    depth: u32,
    cells: u32,
    vectors: u32,
    lossy_guides: u32,
    group: u32,
    unitary: u32,
    once: u32,
    leaves: u32,
    own: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> cells: array<vec2<f32>>;
// Where each column starts, then the guides of each cell.
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read> passing: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<vec2<f32>>;

@group(0) @binding(1) var<storage, read> leaving: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> cells_now: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> inverse: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> places_now: array<u32>;
@group(0) @binding(6) var<storage, read> passing_now: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec2<f32>>;
@group(0) @binding(8) var<storage, read_write> back: array<vec2<f32>>;

// [guide][vector].
var<workgroup> state: array<vec2<f32>, 2048>;

const THREADS: u32 = 256u;

struct Cell {
    a: vec2<f32>,
    b: vec2<f32>,
    c: vec2<f32>,
    d: vec2<f32>,
}

fn conjugate(z: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(z.x, -z.y);
}

fn transposed(t: Cell) -> Cell {
    return Cell(conjugate(t.a), conjugate(t.c), conjugate(t.b), conjugate(t.d));
}

// The light at the guides (i, j) of the state behind a cell.
fn turn(i: u32, j: u32, t: Cell) {
    let u = state[i];
    let v = state[j];
    state[i] = mul(t.a, u) + mul(t.b, v);
    state[j] = mul(t.c, u) + mul(t.d, v);
}

// Where the cells start that a workgroup sees.
fn cells_of(sample: u32) -> u32 {
    return sample * p.cells * p.own;
}

fn cell_at(k: u32) -> Cell {
    return Cell(cells[4u * k], cells[4u * k + 1u], cells[4u * k + 2u], cells[4u * k + 3u]);
}

fn load_light(l: u32, base: u32, end: u32) {
    for (var i = l; i < p.guides * p.group; i += THREADS) {
        let v = i / p.guides;
        let guide = i % p.guides;
        var light = vec2<f32>();
        if (base + v < end) {
            light = x[(base + v) * p.guides + guide];
        }
        state[guide * p.group + v] = light;
    }
}

fn store_light(l: u32, base: u32, end: u32) {
    for (var i = l; i < p.guides * p.group; i += THREADS) {
        let v = i / p.guides;
        if (base + v < end) {
            y[(base + v) * p.guides + i % p.guides] = state[i % p.guides * p.group + v];
        }
    }
}

fn column(l: u32, c: u32, first: u32, reversed: bool) {
    let start = places[c];
    let here = places[c + 1u] - start;
    // A cell is read once for the vectors that its threads share; what does not divide stays idle.
    let parts = max(1u, THREADS / max(here, 1u));
    let cells_a_time = THREADS / parts;
    for (var i = l / parts; i < here && l < parts * cells_a_time; i += cells_a_time) {
        let k = start + i;
        var t = cell_at(first + k);
        if (reversed) {
            t = transposed(t);
        }
        let at = p.depth + 1u + 2u * k;
        let a = places[at] * p.group;
        let b = places[at + 1u] * p.group;
        for (var v = l % parts; v < p.group; v += parts) {
            turn(a + v, b + v, t);
        }
    }
    if (p.lossy_guides == 1u) {
        // A guide with a cell has 1 here and is left to the cell's thread.
        for (var i = l; i < p.guides * p.group; i += THREADS) {
            let by = passing[c * p.guides + i / p.group];
            if (by != 1.0) {
                state[i] *= by;
            }
        }
    }
}

@compute @workgroup_size(256)
fn mesh(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let base = w.x * p.group;
    let end = p.count * p.vectors;
    let first = cells_of(base / p.vectors);
    load_light(l, base, end);
    workgroupBarrier();
    for (var c = 0u; c < p.depth; c++) {
        column(l, c, first, false);
        workgroupBarrier();
    }
    store_light(l, base, end);
}

@compute @workgroup_size(256)
fn mesh_reversed(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let base = w.x * p.group;
    let end = p.count * p.vectors;
    let first = cells_of(base / p.vectors);
    load_light(l, base, end);
    workgroupBarrier();
    for (var c = p.depth; c > 0u; c--) {
        column(l, c - 1u, first, true);
        workgroupBarrier();
    }
    store_light(l, base, end);
}

// Light behind the mesh lies from 0 on, its gradient from HALF on.
const HALF: u32 = 1024u;

// `first`: where the cells start; `to`: where their sums do.
fn column_back(l: u32, c: u32, first: u32, to: u32) {
    if (p.lossy_guides == 1u) {
        for (var i = l; i < p.guides * p.group; i += THREADS) {
            let by = passing_now[c * p.guides + i / p.group];
            if (by != 1.0) {
                state[i] *= 1.0 / by;
                state[HALF + i] *= by;
            }
        }
    }
    let start = places_now[c];
    let here = places_now[c + 1u] - start;
    for (var i = l; i < here; i += THREADS) {
        let k = start + i;
        let own = 4u * (first + k);
        let t = Cell(cells_now[own], cells_now[own + 1u], cells_now[own + 2u], cells_now[own + 3u]);
        let adjoint = transposed(t);
        var undo = adjoint;
        if (p.unitary == 0u) {
            undo = Cell(inverse[own], inverse[own + 1u], inverse[own + 2u], inverse[own + 3u]);
        }
        let at = p.depth + 1u + 2u * k;
        let a = places_now[at] * p.group;
        let b = places_now[at + 1u] * p.group;
        var grad = Cell();
        for (var v = 0u; v < p.group; v++) {
            turn(a + v, b + v, undo);
            let u = state[a + v];
            let w = state[b + v];
            let above = state[HALF + a + v];
            let below = state[HALF + b + v];
            grad.a += mul_conj(u, above);
            grad.b += mul_conj(w, above);
            grad.c += mul_conj(u, below);
            grad.d += mul_conj(w, below);
            turn(HALF + a + v, HALF + b + v, adjoint);
        }
        let sum = 4u * (to + k);
        sums[sum] += grad.a;
        sums[sum + 1u] += grad.b;
        sums[sum + 2u] += grad.c;
        sums[sum + 3u] += grad.d;
    }
}

// One workgroup a leaf, or a sample that has cells of its own; where the mesh runs once its vectors are
// dealt to the leaves.
@compute @workgroup_size(256)
fn mesh_adjoint(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let samples = samples_of(w.y, p.leaf, p.first, p.count);
    var low = samples.x * p.vectors;
    var high = samples.y * p.vectors;
    if (p.once == 1u) {
        let share = (p.vectors + p.leaves - 1u) / p.leaves;
        low = min(w.y * share, p.vectors);
        high = min(low + share, p.vectors);
    }
    if (p.own == 1u) {
        low = w.y * p.vectors;
        high = low + p.vectors;
    }
    if (p.once == 1u || p.own == 1u) {
        for (var i = l; i < 4u * p.cells; i += THREADS) {
            sums[4u * w.y * p.cells + i] = vec2<f32>();
        }
        storageBarrier();
    }
    for (var base = low; base < high; base += p.group) {
        for (var i = l; i < p.guides * p.group; i += THREADS) {
            let v = i / p.guides;
            let guide = i % p.guides;
            var light = vec2<f32>();
            var gradient = vec2<f32>();
            if (base + v < high) {
                light = leaving[(base + v) * p.guides + guide];
                gradient = g[(base + v) * p.guides + guide];
            }
            state[guide * p.group + v] = light;
            state[HALF + guide * p.group + v] = gradient;
        }
        workgroupBarrier();
        for (var c = p.depth; c > 0u; c--) {
            column_back(l, c - 1u, cells_of(w.y), w.y * p.cells);
            workgroupBarrier();
        }
        for (var i = l; i < p.guides * p.group; i += THREADS) {
            let v = i / p.guides;
            if (base + v < high) {
                back[(base + v) * p.guides + i % p.guides] = state[HALF + i % p.guides * p.group + v];
            }
        }
        workgroupBarrier();
    }
}
