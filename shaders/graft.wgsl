// y = measured; the model is there for its adjoint alone.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> model: array<f32>;
@group(0) @binding(2) var<storage, read> measured: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@group(0) @binding(1) var<storage, read> model_field: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> measured_field: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> field: array<vec2<f32>>;

@compute @workgroup_size(256)
fn graft(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        y[i] = select(measured[i], model[i], p.count == 0u);
    }
}

@compute @workgroup_size(256)
fn graft_field(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        field[i] = select(measured_field[i], model_field[i], p.count == 0u);
    }
}
