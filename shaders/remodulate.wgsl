// E = sqrt(P / sum A^2) A, A = max(I, 0), and the adjoint; a workgroup a sample.
// needs: reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    power: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> field: array<vec2<f32>>;

@group(0) @binding(2) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

// max(I, 0); a NaN stays one.
fn shown(x: f32) -> f32 {
    return select(x, 0.0, x < 0.0);
}

fn square(lane: u32, at: u32) -> f32 {
    var sum = 0.0;
    for (var i = lane; i < p.len; i += 256u) {
        let a = shown(x[at + i]);
        sum += a * a;
    }
    return sum_of_workgroup(lane, sum);
}

@compute @workgroup_size(256)
fn remodulate(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    let total = square(lane, at);
    let by = select(0.0, sqrt(p.power / total), total > 0.0);
    for (var i = lane; i < p.len; i += 256u) {
        field[at + i] = vec2<f32>(by * shown(x[at + i]), 0.0);
    }
}

@compute @workgroup_size(256)
fn remodulate_adjoint(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    let total = square(lane, at);
    let by = select(0.0, sqrt(p.power / total), total > 0.0);
    var sum = 0.0;
    for (var i = lane; i < p.len; i += 256u) {
        sum += shown(x[at + i]) * g[at + i].x;
    }
    workgroupBarrier();
    let along = select(0.0, sum_of_workgroup(lane, sum) / total, total > 0.0);
    for (var i = lane; i < p.len; i += 256u) {
        let intensity = x[at + i];
        back[at + i] = select(by * (g[at + i].x - along * intensity), 0.0, intensity < 0.0);
    }
}
