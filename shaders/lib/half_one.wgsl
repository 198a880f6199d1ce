// A value as two f16. Behind lane_one.wgsl.
alias H = u32;

fn halved(x: C) -> H {
    return pack2x16float(x);
}

fn whole(x: H) -> C {
    return unpack2x16float(x);
}
