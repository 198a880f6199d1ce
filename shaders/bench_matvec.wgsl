// c[m] = sum over k of a[k, m] b[k]: 16 vec4 of m a workgroup, each summed by 16 invocations that
// take every 16th k. Counts in vec4: m is a multiple of 4. Products and sums are
// f32.
// needs: operand_f32
struct Params {
    rows: u32,
    columns: u32,
    depth: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<Operand>>;
@group(0) @binding(2) var<storage, read> b: array<Operand>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4<f32>>;

var<workgroup> sums: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn bench_matvec(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let row = 16u * group.x + me % 16u;
    var sum = vec4<f32>();
    if (row < p.rows) {
        for (var k = me / 16u; k < p.depth; k += 16u) {
            sum = fma(vec4<f32>(a[k * p.rows + row]), vec4<f32>(f32(b[k])), sum);
        }
    }
    sums[me] = sum;
    for (var half = 128u; half >= 16u; half /= 2u) {
        workgroupBarrier();
        if (me < half) {
            sums[me] += sums[me + half];
        }
    }
    if (me < 16u && row < p.rows) {
        c[row] = sums[me];
    }
}
