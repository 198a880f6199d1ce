// Eight vectors on one guide of a mesh.
struct Light {
    re0: vec4<f32>,
    im0: vec4<f32>,
    re1: vec4<f32>,
    im1: vec4<f32>,
}

// A 2 x 2 by rows, each two complex numbers.
struct Cell {
    ab: vec4<f32>,
    cd: vec4<f32>,
}

// s u + t v for the row (s, t) of a cell.
fn mixed(row: vec4<f32>, u: Light, v: Light) -> Light {
    return Light(
        row.x * u.re0 - row.y * u.im0 + row.z * v.re0 - row.w * v.im0,
        row.x * u.im0 + row.y * u.re0 + row.z * v.im0 + row.w * v.re0,
        row.x * u.re1 - row.y * u.im1 + row.z * v.re1 - row.w * v.im1,
        row.x * u.im1 + row.y * u.re1 + row.z * v.im1 + row.w * v.re1,
    );
}

fn dimmed(u: Light, by: f32) -> Light {
    return Light(by * u.re0, by * u.im0, by * u.re1, by * u.im1);
}

// The sum of conj(u) v over the vectors.
fn overlap(u: Light, v: Light) -> vec2<f32> {
    return vec2<f32>(
        dot(u.re0, v.re0) + dot(u.im0, v.im0) + dot(u.re1, v.re1) + dot(u.im1, v.im1),
        dot(u.re0, v.im0) - dot(u.im0, v.re0) + dot(u.re1, v.im1) - dot(u.im1, v.re1),
    );
}

fn conjugate_transposed(t: Cell) -> Cell {
    return Cell(
        vec4<f32>(t.ab.x, -t.ab.y, t.cd.x, -t.cd.y),
        vec4<f32>(t.ab.z, -t.ab.w, t.cd.z, -t.cd.w),
    );
}

fn gathered(v: array<vec2<f32>, 8>) -> Light {
    return Light(
        vec4<f32>(v[0].x, v[1].x, v[2].x, v[3].x),
        vec4<f32>(v[0].y, v[1].y, v[2].y, v[3].y),
        vec4<f32>(v[4].x, v[5].x, v[6].x, v[7].x),
        vec4<f32>(v[4].y, v[5].y, v[6].y, v[7].y),
    );
}

fn vector_of(u: Light, i: u32) -> vec2<f32> {
    if (i < 4u) {
        return vec2<f32>(u.re0[i], u.im0[i]);
    }
    return vec2<f32>(u.re1[i - 4u], u.im1[i - 4u]);
}
