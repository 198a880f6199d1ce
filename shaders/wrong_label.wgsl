// One of the wrong labels, by addressed bits; one invocation a sample. See src/ops/wrong_label.rs.
// needs: real random
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    key_low: u32,
    key_high: u32,
    classes: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> label: array<u32>;
@group(0) @binding(2) var<storage, read> step: array<u32>;
@group(0) @binding(3) var<storage, read_write> other: array<u32>;

@compute @workgroup_size(64)
fn wrong_label(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count) {
        let bits = threefry(vec2<u32>(p.key_low, p.key_high), vec2<u32>(step[0], p.first + id.x));
        let k = ((bits.x >> 16u) * (p.classes - 1u)) >> 16u;
        other[id.x] = (label[id.x] + 1u + k) % p.classes;
    }
}
