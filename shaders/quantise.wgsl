// y = the level next to x, or what a table has for it. See src/ops/quantise.rs.
// needs: element real
struct Params {
    first: u32,
    count: u32,
    leaf: u32,
    len: u32,
    levels: u32,
    low: f32,
    step: f32,
    wraps: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> looked_up: array<f32>;

// A NaN is level 0 here: callers hand it on themselves.
fn level(value: f32) -> u32 {
    let nearest = floor((value - p.low) / p.step + 0.5);
    let levels = f32(p.levels);
    let wrapped = nearest - levels * floor(nearest / levels);
    return u32(clamp(select(nearest, wrapped, p.wraps == 1u), 0.0, levels - 1.0));
}

@compute @workgroup_size(256)
fn quantise(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        y[i] = select(p.low + f32(level(x[i])) * p.step, x[i], is_nan(x[i]));
    }
}

@compute @workgroup_size(256)
fn look_up(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = element(invocation);
    if (id.x < p.len) {
        let i = id.y * p.len + id.x;
        looked_up[i] = select(table[level(x[i])], x[i], is_nan(x[i]));
    }
}
