use super::*;
use crate::optics::mesh::dense::max_distance;
use crate::optics::mesh::haar::haar;
use crate::optics::mesh::{C, Topology};

fn random(n: usize, topology: Topology) -> (Mesh, Settings) {
    let mesh = Mesh::new(n, topology).expect("a size");
    let spec = crate::optics::mesh::Imperfections {
        theta_std: 3.0,
        phi_std: 1e-7,
        gamma_std: 1e9,
        ..Default::default()
    };
    let settings = spec.draw(&mesh, 4).expect("valid").phases;
    (mesh, settings)
}

#[test]
fn what_is_written_is_read_back_to_the_bit() {
    for topology in Topology::ALL {
        for n in [1, 2, 8] {
            for (symmetric, three) in [(false, false), (true, false), (false, true)] {
                let (mesh, settings) = random(n, topology);
                let mesh = mesh.with_symmetric(symmetric).with_three_splitters(three);
                let document = Document::Mesh(mesh, settings);
                let written = text(&document).expect("finite");
                assert_eq!(written.contains("symmetric"), symmetric);
                assert_eq!(written.contains("three_splitters"), three);
                assert_eq!(parse("P.json", &written).expect("whole"), document);
            }
        }
    }
    for (rows, columns) in [(1, 1), (2, 5), (5, 2), (4, 4)] {
        let w: Vec<C> = haar(8, 1).expect("a size")[..rows * columns].to_vec();
        let layer = SvdLayer::new(rows, columns, &w, Topology::Reck).expect("any matrix");
        let document = Document::Svd(Box::new(layer));
        let read = parse("P.json", &text(&document).expect("finite")).expect("whole");
        assert_eq!(read, document);
        let (shape, matrix) = read.matrix().expect("its settings");
        assert!(shape == [rows, columns] && max_distance(&matrix, &w) < 1e-14);
    }
}

#[test]
fn a_phase_that_is_no_number_is_not_written() {
    let (mesh, mut settings) = random(4, Topology::Clements);
    settings.phi[2] = f64::NAN;
    assert!(text(&Document::Mesh(mesh, settings)).is_err());
}

/// Cut anywhere, a file is refused and says so.
#[test]
fn a_file_cut_short_is_refused_wherever_it_is_cut() {
    let (mesh, settings) = random(3, Topology::Clements);
    let whole = text(&Document::Mesh(mesh, settings)).expect("finite");
    let whole = whole.trim_end();
    for end in (0..whole.len()).filter(|&e| whole.is_char_boundary(e)) {
        let error = parse("P.json", &whole[..end]).expect_err("cut").to_string();
        assert!(error.starts_with("P.json:") && error.contains("cut short"), "{end}: {error}");
    }
    assert!(parse("P.json", whole).is_ok());
}

/// All on one line, as Python writes it: the place is a column, and not the whole line is shown.
#[test]
fn places_in_long_lines_are_columns() {
    let (mesh, settings) = random(5, Topology::Clements);
    let whole = text(&Document::Mesh(mesh, settings)).expect("finite");
    let line: String = whole.lines().map(str::trim).collect();
    assert!(parse("P.json", &line).is_ok());
    let wrong = line.replacen("\"row\": 1", "\"row\": 2", 1);
    let error = parse("P.json", &wrong).expect_err("a cell is misplaced").to_string();
    let at = wrong.find("{\"column\": 1, \"row\": 2").expect("it is there") + 1;
    assert!(error.contains(&format!("line 1, column {at}: mzi[2]: ")), "{error}");
    assert!(error.len() < 200, "{error}");
}

#[test]
fn hardware_stands_where_it_may() {
    let keys = "bs_error = 0.02\nphase_bits = 6\n";
    for text in [
        keys.to_owned(),
        format!("[hardware]\n{keys}"),
        format!("seed = 7\n[optic]\nz = 1\n[hardware.mesh]\n{keys}"),
    ] {
        let got = hardware::parse("H.toml", &text, &[]).expect(&text);
        assert_eq!((got.spec.splitter_angle, got.spec.phase_bits), (0.02, Some(6)));
        assert_eq!(got.seed, text.contains("seed").then_some(7));
        let set = ["hardware.mesh.splitter_angle=0.03".into(), "loss_db = 0.2".into()];
        let got = hardware::parse("H.toml", &text, &set).expect(&text);
        assert_eq!((got.spec.splitter_angle, got.spec.loss_db), (0.03, 0.2));
    }
    for (text, set, says) in [
        ("loss_db = 0.1\nlos_std = 1\n", "", "H.toml:2: los_std: unknown key"),
        ("[hardware]\nloss_db = \"much\"\n", "", "H.toml:2: hardware.loss_db: invalid type"),
        ("[hardware.mesh]\n\ntheta_std = -1.0\n", "", "H.toml:3: hardware.mesh.theta_std: "),
        ("theta_std = nan\n", "", "H.toml:1: theta_std: "),
        ("seed = 1\n[optic]\n", "", "H.toml:1: hardware: "),
        ("loss_db = 1\n[hardware]\n", "", "H.toml:1: loss_db: this key stands outside"),
        ("[hardware]\nmesh = 3\n", "", "H.toml:2: hardware.mesh: "),
        ("[hardware]\npreset = \"silicon\"\n", "", "H.toml:2: hardware.preset: presets are"),
        (
            "[hardware]\npreset = \"silicon\"\n[hardware.mesh]\nloss_db = 0\n",
            "",
            "H.toml:2: hardware.preset: presets are",
        ),
        ("hardware = 3\n", "", "H.toml:1: hardware: "),
        ("loss_db = \n", "", "H.toml:1: not TOML"),
        ("phase_bits = 6\nvoltage_bits = 6\n", "", "H.toml:2: voltage_bits: "),
        ("loss_db = 0.1\n", "loss_db=-2", "--set:1: loss_db: "),
        ("loss_db = 0.1\n", "lossdb=2", "--set:1: lossdb: unknown key"),
        ("loss_db = 0.1\n", "loss_db", "--set: "),
    ] {
        let set: Vec<String> = [set.to_owned()].into_iter().filter(|s| !s.is_empty()).collect();
        let error = hardware::parse("H.toml", text, &set).expect_err(text).to_string();
        assert!(error.starts_with(says), "{text}: {error}");
    }
}
