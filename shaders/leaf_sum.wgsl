// y = the sum over leaves, by a tree that depends on their number alone.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    leaves: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> leaf_values: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Leaves of a batch at most.
const MOST: u32 = 16u;

@compute @workgroup_size(256)
fn leaf_sum(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        var values: array<f32, MOST>;
        for (var l = 0u; l < p.leaves; l++) {
            values[l] = leaf_values[l * p.len + id.x];
        }
        for (var stride = 1u; stride < p.leaves; stride *= 2u) {
            for (var l = 0u; l + stride < p.leaves; l += 2u * stride) {
                values[l] += values[l + stride];
            }
        }
        y[id.x] = values[0];
    }
}
