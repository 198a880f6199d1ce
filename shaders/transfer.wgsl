// H' = H0 exp(2 pi i delta) for moved geometry, and the gradient of the geometry.
// See src/ops/transfer.rs for the equations; lengths are in wavelengths.
// needs: element real reduce
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    z: f32,
    pitch_y: f32,
    pitch_x: f32,
    offset_y: f32,
    offset_x: f32,
    mask: u32,
    grazing_2: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> h0: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> vy: array<f32>;
@group(0) @binding(3) var<storage, read> vx: array<f32>;
@group(0) @binding(4) var<storage, read> geometry: array<f32>;
@group(0) @binding(5) var<storage, read_write> h: array<vec2<f32>>;

@group(0) @binding(1) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> moved: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> wy: array<f32>;
@group(0) @binding(4) var<storage, read> wx: array<f32>;
@group(0) @binding(5) var<storage, read> geometry_now: array<f32>;
@group(0) @binding(6) var<storage, read_write> back: array<f32>;

const TAU: f32 = 6.2831855;

struct Turn {
    moves: bool,
    delta: f32,
    slope: vec4<f32>,
}

fn turn(v: vec2<f32>, d: f32, e: f32, u: vec2<f32>) -> Turn {
    let q0 = dot(v, v);
    let s = 1.0 / (1.0 + e);
    let w0_2 = 1.0 - q0;
    let w_2 = 1.0 - q0 * s * s;
    if (w0_2 <= p.grazing_2 || w_2 <= p.grazing_2) {
        return Turn(false, 0.0, vec4<f32>(0.0));
    }
    let w0 = sqrt(w0_2);
    let w = sqrt(w_2);
    let pitch = vec2<f32>(p.pitch_y, p.pitch_x);
    let offset0 = vec2<f32>(p.offset_y, p.offset_x);
    let s_minus_1 = -e * s;
    let delta = d * w - p.z * q0 * s_minus_1 * (s + 1.0) / (w + w0)
        + s_minus_1 * dot(v, offset0) + s * dot(v, pitch * u);
    let by_pitch = (p.z + d) * q0 * s * s * s / w - s * s * dot(v, offset0 + pitch * u);
    return Turn(true, delta, vec4<f32>(w, by_pitch, s * v.x * pitch.x, s * v.y * pitch.y));
}

@compute @workgroup_size(256)
fn transfer(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let u = vec2<f32>(geometry[2], geometry[3]);
        let t = turn(vec2<f32>(vy[id.x], vx[id.x]), geometry[0], geometry[1], u);
        var y = h0[id.x];
        if (t.moves) {
            let m = cis_f32(TAU * (t.delta - round(t.delta)));
            y = vec2<f32>(m.x * y.x - m.y * y.y, m.x * y.y + m.y * y.x);
        }
        h[id.x] = y;
    }
}

// One workgroup per number of the geometry.
@compute @workgroup_size(256)
fn transfer_adjoint(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let u = vec2<f32>(geometry_now[2], geometry_now[3]);
    var sum = 0.0;
    for (var i = lane; i < p.len; i += 256u) {
        let t = turn(vec2<f32>(wy[i], wx[i]), geometry_now[0], geometry_now[1], u);
        if (t.moves) {
            sum -= t.slope[group.x] * (g[i].x * moved[i].y - g[i].y * moved[i].x);
        }
    }
    let whole = TAU * sum_of_workgroup(lane, sum);
    if (lane == 0u) {
        back[group.x] = select(0.0, whole, ((p.mask >> group.x) & 1u) == 1u);
    }
}
