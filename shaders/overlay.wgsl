// An image with a label shown in its first rows. See src/ops/overlay.rs.
// needs: element
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    width: u32,
    shown: u32,
    classes: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> label: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn overlay(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        let column = id.x % p.width;
        let low = label[id.y] * p.width / p.classes;
        let high = (label[id.y] + 1u) * p.width / p.classes;
        let bright = select(0.0, 1.0, column >= low && column < high);
        y[i] = select(x[i], bright, id.x < p.shown);
    }
}
