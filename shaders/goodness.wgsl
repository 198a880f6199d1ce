// G = ln sum x^2 of a sample, and its adjoint. See src/ops/goodness.rs.
// needs: real reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> good: array<f32>;

@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

fn square(lane: u32, at: u32) -> f32 {
    var sum = 0.0;
    for (var i = at + lane; i < at + p.len; i += 256u) {
        sum += x[i] * x[i];
    }
    return sum_of_workgroup(lane, sum);
}

@compute @workgroup_size(256)
fn goodness(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let total = square(lane, group.y * p.len);
    if (lane == 0u) {
        good[group.y] = select(log_f32(total), 0.0, total == 0.0);
    }
}

@compute @workgroup_size(256)
fn goodness_adjoint(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    let total = square(lane, at);
    let by = select(2.0 * g[group.y * p.g_stride] / total, 0.0, total == 0.0);
    for (var i = at + lane; i < at + p.len; i += 256u) {
        back[i] = by * x[i];
    }
}
