// y = a + b, or y += a in place; copies are 0 for what all samples share.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    a_copies: u32,
    b_copies: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@group(0) @binding(1) var<storage, read> u: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> field: array<vec2<f32>>;

@group(0) @binding(2) var<storage, read_write> sum: array<f32>;

@compute @workgroup_size(256)
fn add(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = id.y * p.len;
        y[at + id.x] = a[at * p.a_copies + id.x] + b[at * p.b_copies + id.x];
    }
}

@compute @workgroup_size(256)
fn add_field(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = id.y * p.len;
        field[at + id.x] = u[at * p.a_copies + id.x] + v[at * p.b_copies + id.x];
    }
}

@compute @workgroup_size(256)
fn add_into(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        sum[id.x] += a[id.x];
    }
}
