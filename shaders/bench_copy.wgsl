// y = x, 16 bytes an invocation, p.count times p.step further on: what the memory that holds both gives
// a kernel that does nothing else. Every pass copies all, and each part by another workgroup than
// before, so that what a workgroup has kept near is of little use to it.
struct Params {
    first: u32,
    count: u32,
    step: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(256)
fn bench_copy(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.len) {
        return;
    }
    var at = id.x;
    for (var i = 0u; i < p.count; i++) {
        y[at] = x[at];
        at += p.step;
        if (at >= p.len) {
            at -= p.len;
        }
    }
}
