// Samples of leaf l that lie in a micro-batch of `count` from `first`, by their place in it.
fn samples_of(l: u32, leaf: u32, first: u32, count: u32) -> vec2<u32> {
    let low = max(l * leaf, first);
    let high = min((l + 1u) * leaf, first + count);
    return vec2<u32>(low, max(low, high)) - vec2<u32>(first);
}
