// g_E = delta w(I / s) 2 sqrt(s) E / |E| for four weights. See src/ops/augment.rs.
// needs: element real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    kind: u32,
    per_unit: f32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> error: array<f32>;
@group(0) @binding(2) var<storage, read> reading: array<f32>;
@group(0) @binding(3) var<storage, read> field: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> back: array<vec2<f32>>;

fn weight(x: f32) -> f32 {
    switch p.kind {
        case 0u: { return sqrt(select(x, 0.0, x < 0.0)); }
        case 1u: { return 1.0; }
        case 2u: { return x; }
        default: { return cis_f32(x).y; }
    }
}

@compute @workgroup_size(256)
fn augment(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let modulus = sqrt(dot(field[i], field[i]));
        let by = p.scale * error[i] * weight(reading[i] * p.per_unit);
        back[i] = select(field[i] * (by / modulus), vec2<f32>(), modulus == 0.0);
    }
}
