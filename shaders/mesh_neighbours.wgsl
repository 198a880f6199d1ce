// Vectors through the columns of a mesh whose cells join neighbouring guides, forward and by the
// conjugate transpose. A thread holds two guides of eight vectors in registers; every other column
// its cells lie between two threads, which then exchange one guide.
// needs: light
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    guides: u32,
    depth: u32,
    vectors: u32,
    lossy_guides: u32,
    threads: u32,
    parity: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> cells: array<vec2<f32>>;
// Where each column starts, then the guides of each cell.
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read> passing: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<vec2<f32>>;

// The upper guide of each thread, and what the thread above makes of it.
var<workgroup> upper: array<Light, 256>;

const VECTORS: u32 = 8u;
const THREADS: u32 = 256u;

fn light_at(base: u32, end: u32, guide: u32) -> Light {
    var v: array<vec2<f32>, 8>;
    if (guide < p.guides) {
        for (var i = 0u; i < VECTORS; i++) {
            if (base + i < end) {
                v[i] = x[(base + i) * p.guides + guide];
            }
        }
    }
    return gathered(v);
}

fn leave(base: u32, end: u32, guide: u32, light: Light) {
    if (guide < p.guides) {
        for (var i = 0u; i < VECTORS; i++) {
            if (base + i < end) {
                y[(base + i) * p.guides + guide] = vector_of(light, i);
            }
        }
    }
}

// All columns in the order of the passage; what no cell holds passes as it is.
fn pass_columns(l: u32, w: u32, reversed: bool) {
    let part = l / p.threads;
    let own = l % p.threads;
    let end = p.count * p.vectors;
    var base = (w * (THREADS / p.threads) + part) * VECTORS;
    // Threads that are no whole set for all guides have nothing to do.
    if (part >= THREADS / p.threads) {
        base = end;
    }
    var a = light_at(base, end, 2u * own);
    var b = light_at(base, end, 2u * own + 1u);
    for (var step = 0u; step < p.depth; step++) {
        let c = select(step, p.depth - 1u - step, reversed);
        let between = ((c + p.parity) & 1u) == 1u;
        let start = places[c];
        let row = select(2u * own, 2u * own + 1u, between);
        let top = places[p.depth + 1u + 2u * start];
        let k = start + (row - min(row, top)) / 2u;
        let here = base < end && row >= top && k < places[c + 1u];
        var t: Cell;
        if (here) {
            t.ab = vec4<f32>(cells[4u * k], cells[4u * k + 1u]);
            t.cd = vec4<f32>(cells[4u * k + 2u], cells[4u * k + 3u]);
            if (reversed) {
                t = conjugate_transposed(t);
            }
        }
        if (between) {
            upper[l] = a;
            workgroupBarrier();
            if (here) {
                let next = upper[l + 1u];
                upper[l + 1u] = mixed(t.cd, b, next);
                b = mixed(t.ab, b, next);
            }
            workgroupBarrier();
            a = upper[l];
        } else if (here) {
            let from_above = a;
            a = mixed(t.ab, from_above, b);
            b = mixed(t.cd, from_above, b);
        }
        if (p.lossy_guides == 1u) {
            // A guide with a cell has 1 here.
            let at = c * p.guides + 2u * own;
            if (2u * own < p.guides) {
                a = dimmed(a, passing[at]);
            }
            if (2u * own + 1u < p.guides) {
                b = dimmed(b, passing[at + 1u]);
            }
        }
    }
    leave(base, end, 2u * own, a);
    leave(base, end, 2u * own + 1u, b);
}

@compute @workgroup_size(256)
fn mesh_neighbours(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    pass_columns(l, w.x, false);
}

@compute @workgroup_size(256)
fn mesh_neighbours_reversed(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    pass_columns(l, w.x, true);
}
