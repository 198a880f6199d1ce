// Element x of copy y: x goes on along z behind 2^15 workgroups of 256.
fn element(invocation: vec3<u32>) -> vec2<u32> {
    return vec2<u32>((invocation.z << 23u) + invocation.x, invocation.y);
}
