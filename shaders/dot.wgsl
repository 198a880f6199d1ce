// [a.b, a.a, b.b] of two vectors that all samples share; one workgroup.
// needs: reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn dot_products(@builtin(local_invocation_index) lane: u32) {
    var sums = vec3<f32>();
    for (var i = lane; i < p.len; i += 256u) {
        sums += vec3<f32>(a[i] * b[i], a[i] * a[i], b[i] * b[i]);
    }
    let ab = sum_of_workgroup(lane, sums.x);
    workgroupBarrier();
    let aa = sum_of_workgroup(lane, sums.y);
    workgroupBarrier();
    let bb = sum_of_workgroup(lane, sums.z);
    if (lane == 0u) {
        y[0] = ab;
        y[1] = aa;
        y[2] = bb;
    }
}
