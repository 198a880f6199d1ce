// y = x |a| / |b|, of powers their sums, of fields their lengths: a workgroup a sample; copies are 0
// for what all samples share.
// needs: reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    x_copies: u32,
    a_copies: u32,
    b_copies: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@group(0) @binding(1) var<storage, read> x_field: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> a_field: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> b_field: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> y_field: array<vec2<f32>>;

fn factor(a: f32, b: f32) -> f32 {
    return select(a / b, 1.0, b == 0.0);
}

@compute @workgroup_size(256)
fn rescale(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    var sums = vec2<f32>();
    for (var i = lane; i < p.len; i += 256u) {
        sums += vec2<f32>(a[at * p.a_copies + i], b[at * p.b_copies + i]);
    }
    let over = sum_of_workgroup(lane, sums.x);
    workgroupBarrier();
    let by = factor(over, sum_of_workgroup(lane, sums.y));
    for (var i = lane; i < p.len; i += 256u) {
        y[at + i] = by * x[at * p.x_copies + i];
    }
}

@compute @workgroup_size(256)
fn rescale_field(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    var sums = vec2<f32>();
    for (var i = lane; i < p.len; i += 256u) {
        let u = a_field[at * p.a_copies + i];
        let v = b_field[at * p.b_copies + i];
        sums += vec2<f32>(dot(u, u), dot(v, v));
    }
    let over = sum_of_workgroup(lane, sums.x);
    workgroupBarrier();
    let under = sum_of_workgroup(lane, sums.y);
    let by = factor(sqrt(over), sqrt(under));
    for (var i = lane; i < p.len; i += 256u) {
        y_field[at + i] = by * x_field[at * p.x_copies + i];
    }
}
