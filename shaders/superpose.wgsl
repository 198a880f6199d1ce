// y = x + c z, c = re + i im; z of each sample where own is 1, else one for all.
// needs: complex
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    own: u32,
    re: f32,
    im: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> z: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(256)
fn superpose(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        y[i] = x[i] + mul(vec2<f32>(p.re, p.im), z[p.own * id.y * p.len + id.x]);
    }
}
