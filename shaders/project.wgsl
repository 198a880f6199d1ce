// A real sample on complex images of its pixels, one invocation a mode; and a sample brought to a
// power, one invocation a sample.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    pixels: u32,
    power: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> f: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> e: array<vec2<f32>>;

@group(0) @binding(1) var<storage, read> light: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> bright: array<vec2<f32>>;

@compute @workgroup_size(256)
fn project(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        var sum = vec2<f32>();
        for (var i = 0u; i < p.pixels; i++) {
            sum += v[id.y * p.pixels + i] * f[i * p.len + id.x];
        }
        e[id.y * p.len + id.x] = sum;
    }
}

@compute @workgroup_size(64)
fn normalise(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        var total = 0.0;
        for (var i = 0u; i < p.len; i++) {
            let z = light[id.x * p.len + i];
            total += dot(z, z);
        }
        let by = select(sqrt(p.power / total), 0.0, total == 0.0);
        for (var i = 0u; i < p.len; i++) {
            bright[id.x * p.len + i] = light[id.x * p.len + i] * by;
        }
    }
}
