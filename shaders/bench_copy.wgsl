// y = x, 16 bytes an invocation: what the memory gives a kernel that does nothing else.
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(256)
fn bench_copy(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.len) {
        y[id.x] = x[id.x];
    }
}
