// sums += Im(conj(a) g) (phase_grad) or Re(conj(a) g) (amplitude_grad), over the samples of a leaf
// in their order: one invocation per element and leaf goes on from what earlier micro-batches left.
// needs: element leaf
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(256)
fn phase_grad(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = id.y * p.len + id.x;
        let samples = samples_of(id.y, p.leaf, p.first, p.count);
        var sum = sums[at];
        for (var s = samples.x; s < samples.y; s++) {
            let u = a[s * p.len + id.x];
            let v = g[s * p.len + id.x];
            sum += u.x * v.y - u.y * v.x;
        }
        sums[at] = sum;
    }
}

@compute @workgroup_size(256)
fn amplitude_grad(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = id.y * p.len + id.x;
        let samples = samples_of(id.y, p.leaf, p.first, p.count);
        var sum = sums[at];
        for (var s = samples.x; s < samples.y; s++) {
            sum += dot(a[s * p.len + id.x], g[s * p.len + id.x]);
        }
        sums[at] = sum;
    }
}
