// y = x e^(i a), a the phase of sum conj(x) m: a workgroup a sample.
// needs: complex reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> model: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(256)
fn align_piston(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = group.y * p.len;
    var sum = vec2<f32>();
    for (var i = lane; i < p.len; i += 256u) {
        sum += mul_conj(x[at + i], model[at + i]);
    }
    let re = sum_of_workgroup(lane, sum.x);
    workgroupBarrier();
    let im = sum_of_workgroup(lane, sum.y);
    let size = sqrt(re * re + im * im);
    let turn = select(vec2<f32>(re, im) / size, vec2<f32>(1.0, 0.0), size == 0.0);
    for (var i = lane; i < p.len; i += 256u) {
        y[at + i] = mul(turn, x[at + i]);
    }
}
