// L = 1/2 sum w (x - m)^2 of a sample, and its adjoint.
// needs: element reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> measured: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;

@group(0) @binding(4) var<storage, read> g: array<f32>;
@group(0) @binding(5) var<storage, read_write> back: array<f32>;

@compute @workgroup_size(256)
fn misfit(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    var sum = 0.0;
    for (var i = at + lane; i < at + p.len; i += 256u) {
        let miss = x[i] - measured[i];
        sum += weight[i] * miss * miss;
    }
    let total = sum_of_workgroup(lane, sum);
    if (lane == 0u) {
        loss[group.y] = 0.5 * total;
    }
}

@compute @workgroup_size(256)
fn misfit_adjoint(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        back[i] = g[id.y * p.g_stride] * weight[i] * (x[i] - measured[i]);
    }
}
