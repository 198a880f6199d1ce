// L = sum (z - [k = label])^2, and its adjoint; one invocation a sample.
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    classes: u32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read> label: array<u32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> back: array<f32>;

fn miss(sample: u32, k: u32) -> f32 {
    return z[sample * p.classes + k] - select(0.0, 1.0, k == label[sample]);
}

@compute @workgroup_size(64)
fn mean_squared(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        var sum = 0.0;
        for (var k = 0u; k < p.classes; k++) {
            let m = miss(id.x, k);
            sum += m * m;
        }
        loss[id.x] = sum;
    }
}

@compute @workgroup_size(64)
fn mean_squared_adjoint(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        for (var k = 0u; k < p.classes; k++) {
            back[id.x * p.classes + k] = 2.0 * g[id.x * p.g_stride] * miss(id.x, k);
        }
    }
}
