use super::*;
use crate::optics::mesh::decompose::decompose;
use crate::optics::mesh::haar::haar;
use crate::optics::mesh::light::follow;
use crate::optics::mesh::{C, Faults, Topology};
use crate::render::colormap;
use crate::render::samples::{folder, read};

fn chip(n: usize, topology: Topology) -> (Mesh, Settings) {
    let mesh = Mesh::new(n, topology).expect("a size");
    let settings = if topology == Topology::Butterfly {
        crate::optics::mesh::fourier::fourier(&mesh, false).expect("a butterfly")
    } else {
        decompose(&mesh, &haar(n, 7).expect("a size")).expect("a unitary")
    };
    (mesh, settings)
}

/// Every topology, small and large, with light and without; sizes stay those of a slide.
#[test]
fn chips_of_all_sizes_are_drawn() {
    for topology in Topology::ALL {
        for n in [1, 2, 4, 8, 64, 128] {
            let (mesh, settings) = chip(n, topology);
            let mut input = vec![C::ZERO; n];
            input[n / 2] = C::ONE;
            let light = follow(&mesh, &settings, &Faults::none(&mesh), &input).expect("fits");
            let light = (n != 4).then_some(&light);
            let title = format!("{topology:?}, {n} modes");
            let blocks = [Block { mesh: &mesh, settings: &settings, light }];
            let chip =
                Chip { title: &title, remark: "a remark", blocks: &blocks, attenuation: None };
            let path = folder().join(format!("chip-{topology:?}-{n}.png").to_lowercase());
            draw(&chip, &path).unwrap();
            let (wide, high, _) = read(&path);
            assert!((1000..4600).contains(&wide) && (300..2600).contains(&high), "{wide} {high}");
        }
    }
}

/// One cell: its shifters have the colours of their phases, its guides the red of their light.
#[test]
fn colours_are_those_of_phases_and_powers() {
    let mesh = Mesh::new(2, Topology::Clements).expect("a size");
    let settings = Settings { theta: vec![1.0], phi: vec![4.0], gamma: vec![2.0, 0.5] };
    let input = [C::ONE, C::ZERO];
    let light = follow(&mesh, &settings, &Faults::none(&mesh), &input).expect("fits");
    let blocks = [Block { mesh: &mesh, settings: &settings, light: Some(&light) }];
    let chip = Chip { title: "", remark: "", blocks: &blocks, attenuation: None };
    let path = folder().join("chip-colours.png");
    draw(&chip, &path).unwrap();
    let scale = Scale::new(&chip);
    let (wide, high, pixel) = read(&path);
    let has = |y: usize, colour: Rgb| (0..wide).any(|x| pixel(x, y) == colour);
    let [upper, lower] = [0.0, 1.0].map(|k| scale.mode(k) as usize);
    for phase in [1.0, 4.0, 2.0] {
        assert!(has(upper, colormap::cyclic(phase)), "{phase}");
        assert!(!has(lower, colormap::cyclic(phase)), "{phase}");
    }
    assert!(has(lower, colormap::cyclic(0.5)));
    // Light enters above alone.
    let entering = wide / 2 - 240..wide / 2;
    assert!(has(upper, LIGHT) && !entering.clone().any(|x| pixel(x, lower + 1) == LIGHT));
    assert!(high > lower);
}

#[test]
fn odd_numbers_do_not_panic() {
    let (mesh, mut settings) = chip(4, Topology::Diamond);
    settings.theta[0] = f64::NAN;
    settings.phi[1] = f64::INFINITY;
    let mut light = follow(&mesh, &settings, &Faults::none(&mesh), &[C::ZERO; 4]).expect("fits");
    let path = folder().join("chip-odd.png");
    for value in [0.0, f64::NAN, f64::INFINITY, 1e300] {
        light.guides.fill(value);
        let blocks = [
            Block { mesh: &mesh, settings: &settings, light: Some(&light) },
            Block { mesh: &mesh, settings: &settings, light: None },
        ];
        let title = "long ".repeat(99);
        let amplitudes = [1.0, 0.0, f64::NAN];
        let attenuation = Some(&amplitudes[..]);
        draw(&Chip { title: &title, remark: &title, blocks: &blocks, attenuation }, &path).unwrap();
    }
    draw(&Chip { title: "", remark: "", blocks: &[], attenuation: None }, &path).unwrap();
}
