// A matrix on vectors, its gradient, and its adjoint: one invocation an element.
// needs: element complex leaf
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    columns: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> t: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<f32>>;

@group(0) @binding(2) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec2<f32>>;

@group(0) @binding(2) var<storage, read_write> turned: array<vec2<f32>>;

@compute @workgroup_size(256)
fn apply(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.rows) {
        var sum = vec2<f32>();
        for (var c = 0u; c < p.columns; c++) {
            sum += mul(x[id.y * p.columns + c], t[c * p.rows + id.x]);
        }
        y[id.y * p.rows + id.x] = sum;
    }
}

@compute @workgroup_size(256)
fn outer(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let c = id.x / p.rows;
        let r = id.x % p.rows;
        let at = id.y * p.len + id.x;
        let samples = samples_of(id.y, p.leaf, p.first, p.count);
        var sum = sums[at];
        for (var s = samples.x; s < samples.y; s++) {
            sum += mul_conj(x[s * p.columns + c], g[s * p.rows + r]);
        }
        sums[at] = sum;
    }
}

@compute @workgroup_size(256)
fn matrix_adjoint(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let z = x[id.x];
        turned[id.x % p.rows * p.columns + id.x / p.rows] = vec2<f32>(z.x, -z.y);
    }
}
