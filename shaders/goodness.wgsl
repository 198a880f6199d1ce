// G = w sum x^2 of a sample, and its adjoint. See src/ops/goodness.rs.
// needs: reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    weight: f32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> good: array<f32>;

@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

@compute @workgroup_size(256)
fn goodness(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    var sum = 0.0;
    for (var i = at + lane; i < at + p.len; i += 256u) {
        sum += x[i] * x[i];
    }
    let total = sum_of_workgroup(lane, sum);
    if (lane == 0u) {
        good[group.y] = p.weight * total;
    }
}

@compute @workgroup_size(256)
fn goodness_adjoint(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        back[i] = 2.0 * p.weight * g[id.y * p.g_stride] * x[i];
    }
}
