// y = ln(1 + exp(b x)), and its adjoint. See src/ops/softplus.rs.
// needs: element real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    steepness: f32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

@compute @workgroup_size(256)
fn softplus(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let z = p.steepness * x[i];
        y[i] = max(z, 0.0) + log_f32(1.0 + exp_f32(-abs(z)));
    }
}

@compute @workgroup_size(256)
fn softplus_adjoint(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let z = p.steepness * x[i];
        let small = exp_f32(-abs(z));
        let slope = select(small, 1.0, z > 0.0) / (1.0 + small);
        back[i] = g[id.y * p.g_stride + id.x] * p.steepness * slope;
    }
}
