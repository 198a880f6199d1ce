// y[to + k] = x[start + k] for k < number, 0 elsewhere, row by row.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    entering: u32,
    leaving: u32,
    start: u32,
    to: u32,
    number: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(256)
fn place(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let rows = p.len / p.leaving;
        let guide = id.x % p.leaving;
        var light = vec2<f32>();
        if (guide >= p.to && guide < p.to + p.number) {
            let row = id.y * rows + id.x / p.leaving;
            light = x[row * p.entering + p.start + guide - p.to];
        }
        y[id.y * p.len + id.x] = light;
    }
}
