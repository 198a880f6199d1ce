// L = -weight ln(sum S / P), and its adjoint; one invocation a sample.
// needs: real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    regions: u32,
    weight: f32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> s: array<f32>;
@group(0) @binding(2) var<storage, read> entering: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

fn sum_of_regions(sample: u32) -> f32 {
    var sum = 0.0;
    for (var r = 0u; r < p.regions; r++) {
        sum += s[sample * p.regions + r];
    }
    return sum;
}

@compute @workgroup_size(64)
fn efficiency(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        loss[id.x] = -p.weight * log_f32(sum_of_regions(id.x) / entering[id.x]);
    }
}

@compute @workgroup_size(64)
fn efficiency_adjoint(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        let share = -p.weight * g[id.x * p.g_stride] / sum_of_regions(id.x);
        for (var r = 0u; r < p.regions; r++) {
            back[id.x * p.regions + r] = share;
        }
    }
}
