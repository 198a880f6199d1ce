// y = t x, or conj(t) x where sign is -1.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    sign: f32,
    t_copies: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> t: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(256)
fn modulate(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let v = x[i];
        let u = t[id.y * p.len * p.t_copies + id.x];
        let m = vec2<f32>(u.x, p.sign * u.y);
        y[i] = vec2<f32>(m.x * v.x - m.y * v.y, m.x * v.y + m.y * v.x);
    }
}
