// y = a x, or k (a - b) x; copies are 0 for what all samples share.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    x_copies: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> along: array<f32>;

@compute @workgroup_size(256)
fn gain(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = id.y * p.len;
        y[at + id.x] = a[id.x] * x[at * p.x_copies + id.x];
    }
}

@compute @workgroup_size(256)
fn directional(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        along[id.x] = p.scale * (a[0] - b[0]) * x[id.x];
    }
}
