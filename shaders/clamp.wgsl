// theta = min(max(theta, low), high), in place; a NaN stays one.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    low: f32,
    high: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> theta: array<f32>;

@compute @workgroup_size(256)
fn clamp_in_place(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let t = theta[id.x];
        if (t < p.low) {
            theta[id.x] = p.low;
        } else if (t > p.high) {
            theta[id.x] = p.high;
        }
    }
}
