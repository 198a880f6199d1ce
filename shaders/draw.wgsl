// Addressed noise: shot and index say where. See src/ops/draw.rs.
// needs: element real random
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    key_low: u32,
    key_high: u32,
    kind: u32,
    size: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> shot: array<u32>;
@group(0) @binding(2) var<storage, read_write> noise: array<f32>;

@compute @workgroup_size(256)
fn draw(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let index = (p.first + id.y) * p.len + id.x;
        let bits = threefry(vec2<u32>(p.key_low, p.key_high), vec2<u32>(shot[0], index));
        var value = 0.0;
        switch p.kind {
            case 0u: { value = normal_of(bits); }
            case 1u: { value = 2.0 * uniform_of(bits.x) - 1.0; }
            default: { value = select(-1.0, 1.0, (bits.x >> 31u) == 1u); }
        }
        noise[id.y * p.len + id.x] = p.size * value;
    }
}
