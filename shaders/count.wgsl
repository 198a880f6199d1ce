// counter = counter + 1, in place.
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> counter: array<u32>;

@compute @workgroup_size(1)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.len) {
        counter[id.x] += 1u;
    }
}
