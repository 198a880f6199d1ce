// What a detector reads of a mean intensity. See src/ops/expose.rs.
// needs: element real random
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    key_low: u32,
    key_high: u32,
    shot_noise: u32,
    electrons: f32,
    dark: f32,
    read: f32,
    full: f32,
    codes: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> gain: array<f32>;
@group(0) @binding(3) var<storage, read> shot: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// Half a step of the draw: beyond the mean, what is less likely is no count.
const LEAST: f32 = 2.9802322e-8;

fn poisson(mean: f32, bits: vec2<u32>) -> f32 {
    if (mean < 24.0) {
        let u = uniform_of(bits.x) + LEAST;
        var below = exp_f32(-mean);
        // Of one more than n.
        var share = mean * below;
        var n = 0.0;
        while (u > below && (n < mean || share > LEAST)) {
            n += 1.0;
            below += share;
            share *= mean / (n + 1.0);
        }
        return n;
    }
    let z = normal_of(bits);
    let near = max(mean + sqrt(mean) * z + (z * z - 1.0) / 6.0, 0.0);
    return select(near, floor(near + 0.5), mean < 4096.0);
}

@compute @workgroup_size(256)
fn expose(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let key = vec2<u32>(p.key_low, p.key_high);
        let index = (p.first + id.y) * p.len + id.x;
        let mean = p.electrons * gain[id.x] * max(x[i], 0.0) + p.dark;
        var seen = mean;
        if (p.shot_noise == 1u) {
            seen = poisson(mean, threefry(key, vec2<u32>(shot[0], 2u * index)));
        }
        if (p.read > 0.0) {
            seen += p.read * normal_of(threefry(key, vec2<u32>(shot[0], 2u * index + 1u)));
        }
        if (p.full > 0.0) {
            seen = min(seen, p.full);
            if (p.codes > 0.0) {
                seen = floor(max(seen, 0.0) / p.full * p.codes + 0.5) / p.codes * p.full;
            }
        }
        y[i] = select((seen - p.dark) / p.electrons, x[i], is_nan(x[i]));
    }
}
