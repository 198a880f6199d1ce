// The cosine of two vectors of a sample, and its adjoint. See src/ops/similarity.rs.
// needs: reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    a_stride: u32,
    b_stride: u32,
    g_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> back: array<f32>;

// 1 / |x|, 0 of what is dark; a NaN stays one.
fn per_length(square: f32) -> f32 {
    return select(1.0 / sqrt(square), 0.0, square == 0.0);
}

// The cosine, and one over either length.
fn cosine(lane: u32, sample: u32) -> vec3<f32> {
    let a_at = sample * p.a_stride * p.len;
    let b_at = sample * p.b_stride * p.len;
    var sums = vec3<f32>();
    for (var i = lane; i < p.len; i += 256u) {
        let x = a[a_at + i];
        let y = b[b_at + i];
        sums += vec3<f32>(x * y, x * x, y * y);
    }
    let ab = sum_of_workgroup(lane, sums.x);
    workgroupBarrier();
    let aa = sum_of_workgroup(lane, sums.y);
    workgroupBarrier();
    let bb = sum_of_workgroup(lane, sums.z);
    let per_a = per_length(aa);
    let per_b = per_length(bb);
    return vec3<f32>(ab * per_a * per_b, per_a, per_b);
}

@compute @workgroup_size(256)
fn similarity(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let found = cosine(lane, group.y);
    if (lane == 0u) {
        c[group.y] = found.x;
    }
}

@compute @workgroup_size(256)
fn similarity_adjoint(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let found = cosine(lane, group.y);
    let by = g[group.y * p.g_stride] * found.y;
    let a_at = group.y * p.a_stride * p.len;
    let b_at = group.y * p.b_stride * p.len;
    for (var i = lane; i < p.len; i += 256u) {
        let along = found.x * found.y * a[a_at + i];
        back[group.y * p.len + i] = by * (found.z * b[b_at + i] - along);
    }
}
