// c[m, n] = sum over k of a[k, m] b[k, n]: tiles of 64 x 64, of which each of 64 invocations has
// 8 x 8 in registers, through DEEP of k at a time in workgroup memory. Counts in vec4: m and n are
// multiples of 4. Products and sums are f32.
// needs: operand_f32
struct Params {
    rows: u32,
    columns: u32,
    depth: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<Operand>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Operand>>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4<f32>>;

const TILE = 16u * DEEP;
var<workgroup> tile_a: array<vec4<Operand>, TILE>;
var<workgroup> tile_b: array<vec4<Operand>, TILE>;

// row in numbers, column in vec4.
fn put(row: u32, column: u32, value: vec4<f32>) {
    if (row < 4u * p.rows && column < p.columns) {
        c[row * p.columns + column] = value;
    }
}

@compute @workgroup_size(64)
fn bench_matmul(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let x = 2u * (me % 8u);
    let y = 2u * (me / 8u);
    var c0a = vec4<f32>();
    var c0b = vec4<f32>();
    var c1a = vec4<f32>();
    var c1b = vec4<f32>();
    var c2a = vec4<f32>();
    var c2b = vec4<f32>();
    var c3a = vec4<f32>();
    var c3b = vec4<f32>();
    var c4a = vec4<f32>();
    var c4b = vec4<f32>();
    var c5a = vec4<f32>();
    var c5b = vec4<f32>();
    var c6a = vec4<f32>();
    var c6b = vec4<f32>();
    var c7a = vec4<f32>();
    var c7b = vec4<f32>();
    let steps = (p.depth + DEEP - 1u) / DEEP;
    for (var step = 0u; step < steps; step++) {
        for (var i = me; i < TILE; i += 64u) {
            let k = DEEP * step + i / 16u;
            let from_a = 16u * group.y + i % 16u;
            let from_b = 16u * group.x + i % 16u;
            var next_a = vec4<Operand>();
            var next_b = vec4<Operand>();
            if (k < p.depth && from_a < p.rows) {
                next_a = a[k * p.rows + from_a];
            }
            if (k < p.depth && from_b < p.columns) {
                next_b = b[k * p.columns + from_b];
            }
            tile_a[i] = next_a;
            tile_b[i] = next_b;
        }
        workgroupBarrier();
        for (var k = 0u; k < TILE; k += 16u) {
            let a0 = vec4<f32>(tile_a[k + y]);
            let a1 = vec4<f32>(tile_a[k + y + 1u]);
            let b0 = vec4<f32>(tile_b[k + x]);
            let b1 = vec4<f32>(tile_b[k + x + 1u]);
            c0a = fma(vec4<f32>(a0.x), b0, c0a);
            c0b = fma(vec4<f32>(a0.x), b1, c0b);
            c1a = fma(vec4<f32>(a0.y), b0, c1a);
            c1b = fma(vec4<f32>(a0.y), b1, c1b);
            c2a = fma(vec4<f32>(a0.z), b0, c2a);
            c2b = fma(vec4<f32>(a0.z), b1, c2b);
            c3a = fma(vec4<f32>(a0.w), b0, c3a);
            c3b = fma(vec4<f32>(a0.w), b1, c3b);
            c4a = fma(vec4<f32>(a1.x), b0, c4a);
            c4b = fma(vec4<f32>(a1.x), b1, c4b);
            c5a = fma(vec4<f32>(a1.y), b0, c5a);
            c5b = fma(vec4<f32>(a1.y), b1, c5b);
            c6a = fma(vec4<f32>(a1.z), b0, c6a);
            c6b = fma(vec4<f32>(a1.z), b1, c6b);
            c7a = fma(vec4<f32>(a1.w), b0, c7a);
            c7b = fma(vec4<f32>(a1.w), b1, c7b);
        }
        workgroupBarrier();
    }
    let row = 4u * (16u * group.y + y);
    let column = 16u * group.x + x;
    put(row + 0u, column, c0a);
    put(row + 0u, column + 1u, c0b);
    put(row + 1u, column, c1a);
    put(row + 1u, column + 1u, c1b);
    put(row + 2u, column, c2a);
    put(row + 2u, column + 1u, c2b);
    put(row + 3u, column, c3a);
    put(row + 3u, column + 1u, c3b);
    put(row + 4u, column, c4a);
    put(row + 4u, column + 1u, c4b);
    put(row + 5u, column, c5a);
    put(row + 5u, column + 1u, c5b);
    put(row + 6u, column, c6a);
    put(row + 6u, column + 1u, c6b);
    put(row + 7u, column, c7a);
    put(row + 7u, column + 1u, c7b);
}
