// Powers S to a number per class, and the adjoint; one invocation a sample.
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    regions: u32,
    differential: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> s: array<f32>;
@group(0) @binding(2) var<storage, read_write> z: array<f32>;

@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

// 0 without light; a NaN stays one.
fn ratio(share: f32, whole: f32) -> f32 {
    return select(share / whole, 0.0, whole == 0.0);
}

fn sum_of_regions(at: u32) -> f32 {
    var sum = 0.0;
    for (var r = 0u; r < p.regions; r++) {
        sum += s[at + r];
    }
    return sum;
}

@compute @workgroup_size(64)
fn readout(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        let at = id.x * p.regions;
        if (p.differential == 1u) {
            let classes = p.regions / 2u;
            for (var k = 0u; k < classes; k++) {
                let plus = s[at + k];
                let minus = s[at + classes + k];
                z[id.x * classes + k] = ratio(plus - minus, plus + minus);
            }
        } else {
            let whole = sum_of_regions(at);
            for (var k = 0u; k < p.regions; k++) {
                z[at + k] = ratio(s[at + k], whole);
            }
        }
    }
}

@compute @workgroup_size(64)
fn readout_adjoint(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        let at = id.x * p.regions;
        if (p.differential == 1u) {
            let classes = p.regions / 2u;
            for (var k = 0u; k < classes; k++) {
                let plus = s[at + k];
                let minus = s[at + classes + k];
                let whole = plus + minus;
                let scale = ratio(2.0 * g[id.x * classes + k], whole * whole);
                back[at + k] = scale * minus;
                back[at + classes + k] = -scale * plus;
            }
        } else {
            let whole = sum_of_regions(at);
            var mean = 0.0;
            for (var k = 0u; k < p.regions; k++) {
                mean += s[at + k] * g[at + k];
            }
            mean = ratio(mean, whole);
            for (var k = 0u; k < p.regions; k++) {
                back[at + k] = ratio(g[at + k] - mean, whole);
            }
        }
    }
}
