// Addressed randomness: Threefry-2x32-20, the integers of src/math/random.rs. Behind `real`.
fn threefry(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
    var rotations = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
    var keys = array<u32, 3>(key.x, key.y, 0x1BD11BDAu ^ key.x ^ key.y);
    var x = counter + key;
    for (var round = 0u; round < 20u; round++) {
        x.x += x.y;
        let turn = rotations[round % 8u];
        x.y = ((x.y << turn) | (x.y >> (32u - turn))) ^ x.x;
        if (round % 4u == 3u) {
            let injection = round / 4u + 1u;
            x.x += keys[injection % 3u];
            x.y += keys[(injection + 1u) % 3u] + injection;
        }
    }
    return x;
}

// In [0, 1), with 24 bits.
fn uniform_of(bits: u32) -> f32 {
    return f32(bits >> 8u) * 5.9604645e-8;
}

// Box and Muller 1958.
fn normal_of(bits: vec2<u32>) -> f32 {
    let u = uniform_of(bits.x) + 2.9802322e-8;
    return sqrt(-2.0 * log_f32(u)) * cis_f32(6.2831855 * uniform_of(bits.y)).x;
}
