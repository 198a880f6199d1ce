// P = sum of |E|^2 over a plane: one workgroup a sample.
// needs: reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> field: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn power(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    var sum = 0.0;
    for (var i = lane; i < p.len; i += 256u) {
        let e = field[group.y * p.len + i];
        sum += dot(e, e);
    }
    let whole = sum_of_workgroup(lane, sum);
    if (lane == 0u) {
        y[group.y] = whole;
    }
}
