// y = h(|x|^2) x for four nonlinearities, and the adjoint. See src/ops/activate.rs.
// needs: element complex real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    kind: u32,
    a: f32,
    b: f32,
    c: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<f32>>;

@group(0) @binding(2) var<storage, read> g: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> back: array<vec2<f32>>;

struct Response {
    h: vec2<f32>,
    slope: vec2<f32>,
}

fn response(power: f32) -> Response {
    switch p.kind {
        case 0u: {
            let turned = cis_f32(-(p.b * power + p.c));
            let h = vec2<f32>(-turned.y, 1.0 + turned.x) * (0.5 * p.a);
            return Response(h, turned * (0.5 * p.a * p.b));
        }
        case 1u: {
            let open = 1.0 / (1.0 + power / p.b);
            let h = exp_f32(-0.5 * p.a * open);
            return Response(vec2<f32>(h, 0.0), vec2<f32>(h * 0.5 * p.a * open * open / p.b, 0.0));
        }
        case 2u: {
            let h = cis_f32(p.a * power);
            return Response(h, vec2<f32>(-h.y, h.x) * p.a);
        }
        default: {
            let m = max(sqrt(power), 1e-6);
            let z = 2.0 * (m - p.a);
            let small = exp_f32(-abs(z));
            let soft = max(z, 0.0) + log_f32(1.0 + small);
            let slope = select(small, 1.0, z > 0.0) / (1.0 + small);
            let h = 0.5 * (soft - p.b) / m;
            return Response(vec2<f32>(h, 0.0), vec2<f32>((slope - h) / (2.0 * m * m), 0.0));
        }
    }
}

@compute @workgroup_size(256)
fn activate(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        y[i] = mul(response(dot(x[i], x[i])).h, x[i]);
    }
}

@compute @workgroup_size(256)
fn activate_adjoint(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let r = response(dot(x[i], x[i]));
        let along = dot(mul(x[i], r.slope), g[i]);
        back[i] = mul_conj(r.h, g[i]) + x[i] * (2.0 * along);
    }
}
