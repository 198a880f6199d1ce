// sums += weight x, over the samples of a leaf in their order.
// needs: element leaf
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    weight: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(256)
fn sample_sum(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = id.y * p.len + id.x;
        let samples = samples_of(id.y, p.leaf, p.first, p.count);
        var sum = sums[at];
        for (var s = samples.x; s < samples.y; s++) {
            sum += p.weight * x[s * p.len + id.x];
        }
        sums[at] = sum;
    }
}
