// Needs a workgroup of 256.
var<workgroup> part: array<f32, 256>;

// Sum of one value per invocation, in every invocation, by a fixed tree.
fn sum_of_workgroup(lane: u32, value: f32) -> f32 {
    part[lane] = value;
    workgroupBarrier();
    for (var width = 128u; width > 0u; width /= 2u) {
        if (lane < width) {
            part[lane] += part[lane + width];
        }
        workgroupBarrier();
    }
    return part[0];
}
