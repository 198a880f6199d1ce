// y[r] = sum of weight[k] x[index[k]] over row r. Narrow rows: an invocation each; wide rows: a
// workgroup each.
// needs: element reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> index: array<u32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn sparse_sum(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        var sum = 0.0;
        for (var k = start[id.x]; k < start[id.x + 1u]; k++) {
            sum += weight[k] * x[id.y * p.columns + index[k]];
        }
        y[id.y * p.len + id.x] = sum;
    }
}

@compute @workgroup_size(256)
fn sparse_sum_wide(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    var sum = 0.0;
    for (var k = start[group.x] + lane; k < start[group.x + 1u]; k += 256u) {
        sum += weight[k] * x[group.y * p.columns + index[k]];
    }
    let whole = sum_of_workgroup(lane, sum);
    if (lane == 0u) {
        y[group.y * p.len + group.x] = whole;
    }
}
