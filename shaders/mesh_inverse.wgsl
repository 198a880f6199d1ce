// The inverse of the 2 x 2 of every cell: one invocation a cell.
// needs: element complex
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> cells: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> inverse: array<vec2<f32>>;

@compute @workgroup_size(256)
fn mesh_inverse(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let k = 4u * (id.y * p.len + id.x);
        let det = mul(cells[k], cells[k + 3u]) - mul(cells[k + 1u], cells[k + 2u]);
        let over = vec2<f32>(det.x, -det.y) / dot(det, det);
        inverse[k] = mul(cells[k + 3u], over);
        inverse[k + 1u] = -mul(cells[k + 1u], over);
        inverse[k + 2u] = -mul(cells[k + 2u], over);
        inverse[k + 3u] = mul(cells[k], over);
    }
}
