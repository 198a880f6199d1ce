// sums += (s - f - b) / 2, over the samples of a leaf in their order.
// needs: leaf
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> both: array<f32>;
@group(0) @binding(2) var<storage, read> forward: array<f32>;
@group(0) @binding(3) var<storage, read> back: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(256)
fn shot_sum(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.len) {
        let at = id.y * p.len + id.x;
        let samples = samples_of(id.y, p.leaf, p.first, p.count);
        var sum = sums[at];
        for (var s = samples.x; s < samples.y; s++) {
            let i = s * p.len + id.x;
            sum += 0.5 * (both[i] - forward[i] - back[i]);
        }
        sums[at] = sum;
    }
}
