// The 2 x 2 of every cell of a mesh from its phases, and the gradients of the phases: one
// invocation a cell, or a cell of a sample where each has phases of its own.
// needs: element complex real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    symmetric: u32,
    one: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> theta: array<f32>;
@group(0) @binding(2) var<storage, read> phi: array<f32>;
@group(0) @binding(3) var<storage, read> build: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> cells: array<vec2<f32>>;

@group(0) @binding(1) var<storage, read> up: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> theta_now: array<f32>;
@group(0) @binding(3) var<storage, read> phi_now: array<f32>;
@group(0) @binding(4) var<storage, read> build_now: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> theta_grad: array<f32>;
@group(0) @binding(6) var<storage, read_write> phi_grad: array<f32>;

// exp(-i theta / 2) where theta drives both arms.
fn common_phase(angle: f32) -> vec2<f32> {
    if (p.symmetric == 1u) {
        return cis_f32(-0.5 * angle);
    }
    return vec2<f32>(1.0, 0.0);
}

fn constants_at(k: u32) -> u32 {
    return select(16u * k, 0u, p.one == 1u);
}

@compute @workgroup_size(256)
fn mesh_cells(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = constants_at(id.x);
        let k = id.y * p.len + id.x;
        let t = cis_f32(theta[k]);
        let f = cis_f32(phi[k]);
        let g = common_phase(theta[k]);
        let tf = mul(t, f);
        for (var e = 0u; e < 4u; e++) {
            let sum = build[at + e] + mul(t, build[at + 4u + e]) + mul(f, build[at + 8u + e])
                + mul(tf, build[at + 12u + e]);
            cells[4u * k + e] = mul(g, sum);
        }
    }
}

// Re<G, i z> = Im(conj(z) G).
fn turning(z: vec2<f32>, g: vec2<f32>) -> f32 {
    return z.x * g.y - z.y * g.x;
}

@compute @workgroup_size(256)
fn mesh_cells_adjoint(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let at = constants_at(id.x);
        let k = id.y * p.len + id.x;
        let t = cis_f32(theta_now[k]);
        let f = cis_f32(phi_now[k]);
        let g = common_phase(theta_now[k]);
        let tf = mul(t, f);
        var of_t = 0.0;
        var of_f = 0.0;
        var of_g = 0.0;
        for (var e = 0u; e < 4u; e++) {
            let both = mul(tf, build_now[at + 12u + e]);
            let with_t = mul(g, mul(t, build_now[at + 4u + e]) + both);
            let with_f = mul(g, mul(f, build_now[at + 8u + e]) + both);
            let above = up[4u * k + e];
            of_t += turning(with_t, above);
            of_f += turning(with_f, above);
            if (p.symmetric == 1u) {
                let rest = mul(g, build_now[at + e] + mul(f, build_now[at + 8u + e]));
                of_g += turning(rest + with_t, above);
            }
        }
        theta_grad[k] = of_t - 0.5 * of_g;
        phi_grad[k] = of_f;
    }
}
