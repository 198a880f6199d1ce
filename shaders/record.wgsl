// ring[counter mod length] = x, in place.
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(1)
fn record(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.len) {
        ring[counter[0] % p.length] = x[id.x];
    }
}
