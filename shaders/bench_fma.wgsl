// y = y a + b, 64 times p.count, in four independent chains of four: multiply-adds and nothing else.
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
fn bench_fma(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[0];
    let b = x[1];
    var u = x[2] + f32(id.x);
    var v = u + b;
    var w = v + b;
    var z = w + b;
    for (var i = 0u; i < p.count; i++) {
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
        u = fma(u, a, b);
        v = fma(v, a, b);
        w = fma(w, a, b);
        z = fma(z, a, b);
    }
    if (id.x < p.len) {
        y[id.x] = (u + v) + (w + z);
    }
}
