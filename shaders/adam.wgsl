// Adam with bias corrections from the schedule; theta, m and v in place.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    rows: u32,
    b1: f32,
    b2: f32,
    a1: f32,
    a2: f32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read> schedule: array<f32>;
@group(0) @binding(4) var<storage, read_write> theta: array<f32>;
@group(0) @binding(5) var<storage, read_write> m: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(256)
fn adam(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let row = 3u * min(counter[0], p.rows - 1u);
        let g = grad[id.x];
        let m1 = p.b1 * m[id.x] + p.a1 * g;
        let v1 = p.b2 * v[id.x] + p.a2 * g * g;
        m[id.x] = m1;
        v[id.x] = v1;
        theta[id.x] -= schedule[row] * (schedule[row + 1u] * m1)
            / (sqrt(schedule[row + 2u] * v1) + p.eps);
    }
}
