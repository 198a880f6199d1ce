// E = m(v) S, m(v) = v and / or exp(i v range).
// needs: element real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    amplitude: u32,
    phase: u32,
    range: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> image: array<f32>;
@group(0) @binding(2) var<storage, read> source: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> field: array<vec2<f32>>;

@compute @workgroup_size(256)
fn encode(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let v = image[i];
        var e = source[id.x];
        if (p.phase == 1u) {
            let m = cis_f32(v * p.range);
            e = vec2<f32>(m.x * e.x - m.y * e.y, m.x * e.y + m.y * e.x);
        }
        if (p.amplitude == 1u) {
            e = e * v;
        }
        field[i] = e;
    }
}
