// L = ln sum exp(z / T) - z_label / T, and its adjoint; one invocation a sample.
// needs: real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    classes: u32,
    per_t: f32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read> label: array<u32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> back: array<f32>;

// max z / T and ln sum exp(z / T - max).
fn log_sum_exp(at: u32) -> vec2<f32> {
    var top = z[at] * p.per_t;
    for (var k = 1u; k < p.classes; k++) {
        top = max(top, z[at + k] * p.per_t);
    }
    var sum = 0.0;
    for (var k = 0u; k < p.classes; k++) {
        sum += exp_f32(z[at + k] * p.per_t - top);
    }
    return vec2<f32>(top, log_f32(sum));
}

@compute @workgroup_size(64)
fn cross_entropy(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        let at = id.x * p.classes;
        let lse = log_sum_exp(at);
        loss[id.x] = (lse.x - z[at + label[id.x]] * p.per_t) + lse.y;
    }
}

@compute @workgroup_size(64)
fn cross_entropy_adjoint(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        let at = id.x * p.classes;
        let lse = log_sum_exp(at);
        let incoming = g[id.x * p.g_stride] * p.per_t;
        for (var k = 0u; k < p.classes; k++) {
            let hit = select(0.0, 1.0, k == label[id.x]);
            back[at + k] = incoming * (exp_f32(z[at + k] * p.per_t - lse.x - lse.y) - hit);
        }
    }
}
