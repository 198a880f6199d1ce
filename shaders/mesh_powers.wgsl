// Powers at the shifters of a mesh while light passes it, forward or from behind: `group` vectors a
// workgroup, their light in workgroup memory; those of one sample where `own` is 1 and each has cells
// of its own.
// needs: complex
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
    reversed: u32,
    both_arms: u32,
    own: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> cells: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> arms: array<vec2<f32>>;
// Where each column starts, then the guides of each cell.
@group(0) @binding(4) var<storage, read> places: array<u32>;
@group(0) @binding(5) var<storage, read> passing: array<f32>;
@group(0) @binding(6) var<storage, read_write> at_phi: array<f32>;
@group(0) @binding(7) var<storage, read_write> at_theta: array<f32>;

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

fn cell_at(k: u32) -> Cell {
    let t = Cell(cells[4u * k], cells[4u * k + 1u], cells[4u * k + 2u], cells[4u * k + 3u]);
    if (p.reversed == 1u) {
        return Cell(conjugate(t.a), conjugate(t.c), conjugate(t.b), conjugate(t.d));
    }
    return t;
}

// Power of the upper arm of the light (u, v) at a cell, or half its lead over the lower one.
fn inside(k: u32, u: vec2<f32>, v: vec2<f32>) -> f32 {
    let upper = mul(arms[4u * k], u) + mul(arms[4u * k + 1u], v);
    if (p.both_arms == 0u) {
        return dot(upper, upper);
    }
    let lower = mul(arms[4u * k + 2u], u) + mul(arms[4u * k + 3u], v);
    return 0.5 * (dot(upper, upper) - dot(lower, lower));
}

fn column(l: u32, c: u32, base: u32, end: u32) {
    let start = places[c];
    let here = places[c + 1u] - start;
    // A cell is read once for the vectors that its threads share; what does not divide stays idle.
    let parts = max(1u, THREADS / max(here, 1u));
    let cells_a_time = THREADS / parts;
    for (var i = l / parts; i < here && l < parts * cells_a_time; i += cells_a_time) {
        let k = start + i;
        let own = base / p.vectors * p.cells * p.own + k;
        let t = cell_at(own);
        let at = p.depth + 1u + 2u * k;
        let a = places[at] * p.group;
        let b = places[at + 1u] * p.group;
        for (var v = l % parts; v < p.group && base + v < end; v += parts) {
            let upper = state[a + v];
            let lower = state[b + v];
            let passed = mul(t.a, upper) + mul(t.b, lower);
            state[a + v] = passed;
            state[b + v] = mul(t.c, upper) + mul(t.d, lower);
            var outside = upper;
            if (p.reversed == 1u) {
                outside = passed;
            }
            let to = (base + v) * p.cells + k;
            at_phi[to] = dot(outside, outside);
            at_theta[to] = inside(own, upper, lower);
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
fn mesh_powers(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let base = w.x * p.group;
    let end = p.count * p.vectors;
    for (var i = l; i < p.guides * p.group; i += THREADS) {
        let v = i / p.guides;
        let guide = i % p.guides;
        var light = vec2<f32>();
        if (base + v < end) {
            light = x[(base + v) * p.guides + guide];
        }
        state[guide * p.group + v] = light;
    }
    workgroupBarrier();
    for (var c = 0u; c < p.depth; c++) {
        column(l, select(c, p.depth - 1u - c, p.reversed == 1u), base, end);
        workgroupBarrier();
    }
}
