// Each value as two f16. Behind lane_two.wgsl.
alias H = vec2<u32>;

fn halved(x: C) -> H {
    return vec2<u32>(pack2x16float(x.xy), pack2x16float(x.zw));
}

fn whole(x: H) -> C {
    return vec4<f32>(unpack2x16float(x.x), unpack2x16float(x.y));
}
