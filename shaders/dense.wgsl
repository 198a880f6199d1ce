// y = W x + b, W^T g, and W's gradient g x^T summed by leaf; one invocation an element.
// needs: element leaf
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@group(0) @binding(3) var<storage, read_write> back: array<f32>;

@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(256)
fn dense(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        var sum = b[id.x];
        for (var c = 0u; c < p.columns; c++) {
            sum += w[id.x * p.columns + c] * x[id.y * p.columns + c];
        }
        y[id.y * p.len + id.x] = sum;
    }
}

@compute @workgroup_size(256)
fn dense_back(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        var sum = 0.0;
        for (var r = 0u; r < p.rows; r++) {
            sum += w[r * p.columns + id.x] * x[id.y * p.rows + r];
        }
        back[id.y * p.len + id.x] = sum;
    }
}

@compute @workgroup_size(256)
fn dense_grad(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let r = id.x / p.columns;
        let c = id.x % p.columns;
        let at = id.y * p.len + id.x;
        let samples = samples_of(id.y, p.leaf, p.first, p.count);
        var sum = sums[at];
        for (var s = samples.x; s < samples.y; s++) {
            sum += g[s * p.rows + r] * x[s * p.columns + c];
        }
        sums[at] = sum;
    }
}
