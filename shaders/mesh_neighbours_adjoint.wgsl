// Back from the outputs of a mesh whose cells join neighbouring guides: the light before each cell,
// the gradient of its matrix, and the gradient of the light. One workgroup a leaf; a thread holds two
// guides of eight vectors and of their gradients in registers, as in mesh_neighbours.
// needs: light leaf
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
    unitary: u32,
    once: u32,
    leaves: u32,
    parity: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> leaving: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> cells: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> inverse: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> places: array<u32>;
@group(0) @binding(6) var<storage, read> passing: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec2<f32>>;
@group(0) @binding(8) var<storage, read_write> back: array<vec2<f32>>;

// The upper guide of each thread, and what the thread above makes of it.
var<workgroup> upper: array<Light, 128>;
var<workgroup> upper_gradient: array<Light, 128>;

const VECTORS: u32 = 8u;
const THREADS: u32 = 128u;

fn light_at(base: u32, end: u32, guide: u32) -> Light {
    var v: array<vec2<f32>, 8>;
    if (guide < p.guides) {
        for (var i = 0u; i < VECTORS; i++) {
            if (base + i < end) {
                v[i] = leaving[(base + i) * p.guides + guide];
            }
        }
    }
    return gathered(v);
}

fn gradient_at(base: u32, end: u32, guide: u32) -> Light {
    var v: array<vec2<f32>, 8>;
    if (guide < p.guides) {
        for (var i = 0u; i < VECTORS; i++) {
            if (base + i < end) {
                v[i] = g[(base + i) * p.guides + guide];
            }
        }
    }
    return gathered(v);
}

fn leave(base: u32, end: u32, guide: u32, light: Light) {
    if (guide < p.guides) {
        for (var i = 0u; i < VECTORS; i++) {
            if (base + i < end) {
                back[(base + i) * p.guides + guide] = vector_of(light, i);
            }
        }
    }
}

// The light u, v behind a cell and its gradient gu, gv.
struct Pair {
    u: Light,
    v: Light,
    gu: Light,
    gv: Light,
}

// To before cell k, its gradient added to sum `to`.
fn undone(k: u32, to: u32, behind: Pair) -> Pair {
    let t = Cell(
        vec4<f32>(cells[4u * k], cells[4u * k + 1u]),
        vec4<f32>(cells[4u * k + 2u], cells[4u * k + 3u]),
    );
    let adjoint = conjugate_transposed(t);
    var undo = adjoint;
    if (p.unitary == 0u) {
        undo = Cell(
            vec4<f32>(inverse[4u * k], inverse[4u * k + 1u]),
            vec4<f32>(inverse[4u * k + 2u], inverse[4u * k + 3u]),
        );
    }
    let u = mixed(undo.ab, behind.u, behind.v);
    let v = mixed(undo.cd, behind.u, behind.v);
    sums[4u * to] += overlap(u, behind.gu);
    sums[4u * to + 1u] += overlap(v, behind.gu);
    sums[4u * to + 2u] += overlap(u, behind.gv);
    sums[4u * to + 3u] += overlap(v, behind.gv);
    let gu = mixed(adjoint.ab, behind.gu, behind.gv);
    let gv = mixed(adjoint.cd, behind.gu, behind.gv);
    return Pair(u, v, gu, gv);
}

// Where the mesh runs once its vectors are dealt to the leaves.
@compute @workgroup_size(128)
fn mesh_neighbours_adjoint(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) w: vec3<u32>) {
    let samples = samples_of(w.y, p.leaf, p.first, p.count);
    var low = samples.x * p.vectors;
    var high = samples.y * p.vectors;
    if (p.once == 1u) {
        let share = (p.vectors + p.leaves - 1u) / p.leaves;
        low = min(w.y * share, p.vectors);
        high = min(low + share, p.vectors);
        for (var i = l; i < 4u * p.cells; i += THREADS) {
            sums[4u * w.y * p.cells + i] = vec2<f32>();
        }
        storageBarrier();
    }
    for (var base = low; base < high; base += VECTORS) {
        var a = light_at(base, high, 2u * l);
        var b = light_at(base, high, 2u * l + 1u);
        var ga = gradient_at(base, high, 2u * l);
        var gb = gradient_at(base, high, 2u * l + 1u);
        for (var step = p.depth; step > 0u; step--) {
            let c = step - 1u;
            if (p.lossy_guides == 1u) {
                // A guide with a cell has 1 here.
                let at = c * p.guides + 2u * l;
                if (2u * l < p.guides) {
                    a = dimmed(a, 1.0 / passing[at]);
                    ga = dimmed(ga, passing[at]);
                }
                if (2u * l + 1u < p.guides) {
                    b = dimmed(b, 1.0 / passing[at + 1u]);
                    gb = dimmed(gb, passing[at + 1u]);
                }
            }
            let between = ((c + p.parity) & 1u) == 1u;
            let start = places[c];
            let row = select(2u * l, 2u * l + 1u, between);
            let top = places[p.depth + 1u + 2u * start];
            let k = start + (row - min(row, top)) / 2u;
            let here = row >= top && k < places[c + 1u];
            let to = w.y * p.cells + k;
            if (between) {
                upper[l] = a;
                upper_gradient[l] = ga;
                workgroupBarrier();
                if (here) {
                    let pair = undone(k, to, Pair(b, upper[l + 1u], gb, upper_gradient[l + 1u]));
                    b = pair.u;
                    gb = pair.gu;
                    upper[l + 1u] = pair.v;
                    upper_gradient[l + 1u] = pair.gv;
                }
                workgroupBarrier();
                a = upper[l];
                ga = upper_gradient[l];
            } else if (here) {
                let pair = undone(k, to, Pair(a, b, ga, gb));
                a = pair.u;
                b = pair.v;
                ga = pair.gu;
                gb = pair.gv;
            }
        }
        leave(base, high, 2u * l, ga);
        leave(base, high, 2u * l + 1u, gb);
        storageBarrier();
    }
}
