use std::fs;
use std::path::PathBuf;

use super::*;

fn file(dir: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("a.npy");
    fs::write(&path, bytes).unwrap();
    path
}

fn npy(header: &str, items: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(items);
    bytes
}

fn header(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

fn fails(bytes: &[u8], part: &str) {
    let dir = tempfile::tempdir().unwrap();
    let error = read_array(&file(&dir, bytes)).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let field: Vec<Complex<f64>> =
        (0..6).map(|i| Complex::new(f64::from(i) / 3.0, -f64::from(i * i))).collect();
    write_complex128(&path, &[2, 3], &field).unwrap();
    assert_eq!(read_field(&path).unwrap(), ([2, 3], field.clone()));
    assert_eq!(fs::metadata(&path).unwrap().len(), 128 + 6 * 16);

    let single: Vec<Complex<f32>> =
        field.iter().map(|v| Complex::new(v.re as f32, v.im as f32)).collect();
    write_complex64(&path, &[6, 1], &single).unwrap();
    let (shape, read) = read_field(&path).unwrap();
    assert_eq!(shape, [6, 1]);
    assert!(read.iter().zip(&single).all(|(a, b)| a.re == f64::from(b.re)));
    assert!(read.iter().zip(&field).any(|(a, b)| a.re != b.re), "f32 must round");

    write_f32(&path, &[3], &[0.5, -1.0, 2.0]).unwrap();
    let array = read_array(&path).unwrap();
    assert_eq!(array, Array { shape: vec![3], data: Values::Real(vec![0.5, -1.0, 2.0]) });
    write_f64(&path, &[], &[0.1]).unwrap();
    assert_eq!(read_array(&path).unwrap(), Array { shape: vec![], data: Values::Real(vec![0.1]) });
    assert!(write_f64(&path, &[2, 2], &[0.0; 3]).is_err());
}

#[test]
fn byte_order_and_fortran_order_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let expected = vec![1.0, 2.0, 3.0, 4.0, -5.0, 6.0];
    let c = [1i16, 2, 3, 4, -5, 6];
    let f = [1i16, 4, 2, -5, 3, 6];
    let little: Vec<u8> = c.iter().flat_map(|v| v.to_le_bytes()).collect();
    let big: Vec<u8> = f.iter().flat_map(|v| v.to_be_bytes()).collect();
    let path = file(&dir, &npy(&header("<i2", "False", "(2, 3)"), &little));
    assert_eq!(read_real(&path).unwrap(), ([2, 3], expected.clone()));
    let path = file(&dir, &npy(&header(">i2", "True", "(2, 3)"), &big));
    assert_eq!(read_real(&path).unwrap(), ([2, 3], expected));
    let items: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let path = file(&dir, &npy(&header(">c16", "False", "(1, 1)"), &items));
    assert_eq!(read_field(&path).unwrap().1, [Complex::new(1.5, -2.0)]);
    assert!(read_real(&path).unwrap_err().to_string().contains("complex"));
}

#[test]
fn three_dimensions_in_fortran_order() {
    let dir = tempfile::tempdir().unwrap();
    let shape = [2, 3, 4];
    let mut items = vec![0; 24];
    for i in 0..24 {
        let at = unravel(i, &shape);
        items[at[0] + 2 * (at[1] + 3 * at[2])] = i as u8;
    }
    let path = file(&dir, &npy(&header("|u1", "True", "(2, 3, 4)"), &items));
    let expected = Values::Real((0..24).map(f64::from).collect());
    assert_eq!(read_array(&path).unwrap().data, expected);
}

#[test]
fn damaged_files_say_what_is_wrong() {
    fails(b"", "does not start with");
    fails(b"PK\x03\x04 and so on", "does not start with");
    fails(b"\x93NUMPY", "truncated inside the header");
    fails(b"\x93NUMPY\x01\x00\xff\xff{}", "claims 65535 bytes, the file holds 2 more");
    fails(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "claims 4294967295 bytes");
    fails(b"\x93NUMPY\x09\x00\x02\x00{}", "version 9");
    fails(b"\x93NUMPY\x01\x00\x02\x00\xff\xfe", "not text");
    fails(&npy("((((((((((", &[]), "no entry `descr`");
    fails(&npy(&header("<f4", "False", "(2, 2)"), &[0; 13]), "3 are missing");
    fails(&npy(&header("<f4", "False", "(2, 2)"), &[0; 17]), "1 bytes follow");
    fails(&npy(&header("<f4", "Maybe", "(2, 2)"), &[0; 16]), "fortran_order");
    fails(&npy(&header("<f4", "False", "(2, -2)"), &[0; 16]), "tuple of sizes");
    fails(&npy(&header("<f4", "False", "2, 2"), &[0; 16]), "tuple of sizes");
    fails(&npy(&header("<f8", "False", "(99999999999, 99999999999)"), &[]), "larger than any");
    fails(&npy(&header("<f8", "False", "(999999999999,)"), &[]), "missing");
    fails(&npy(&header("|O", "False", "(1,)"), &[0; 8]), "items of type");
    fails(&npy(&header("<f2", "False", "(1,)"), &[0; 2]), "items of type");
    fails(
        &npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", &[0; 4]),
        "type",
    );
}

#[test]
fn a_value_that_is_not_finite_is_named() {
    let mut values = [0.0f32; 6];
    values[5] = f32::NAN;
    let items: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    fails(&npy(&header("<f4", "False", "(2, 3)"), &items), "the value at [1, 2] is NaN");
    values[5] = 0.0;
    values[1] = f32::INFINITY;
    let items: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    fails(&npy(&header("<c8", "False", "(3, 1)"), &items), "the value at [0, 0] is 0+infi");
}

#[test]
fn a_field_is_a_plane() {
    let dir = tempfile::tempdir().unwrap();
    for shape in ["(6,)", "(1, 2, 3)", "()", "(0, 3)"] {
        let items = vec![
            0;
            if shape == "()" {
                1
            } else if shape == "(0, 3)" {
                0
            } else {
                6
            }
        ];
        let path = file(&dir, &npy(&header("|u1", "False", shape), &items));
        assert!(read_field(&path).unwrap_err().to_string().contains("[y, x] is needed"), "{shape}");
    }
    let missing = read_field(&dir.path().join("none.npy")).unwrap_err();
    assert!(missing.to_string().contains("none.npy: cannot read"));
}

#[test]
fn an_image_is_an_amplitude() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    image::GrayImage::from_fn(3, 2, |x, y| image::Luma([(x * 100 + y * 55) as u8]))
        .save(&path)
        .unwrap();
    let (shape, field) = read_field(&path).unwrap();
    assert_eq!(shape, [2, 3]);
    assert!(field.iter().all(|v| v.im == 0.0));
    assert_eq!(field[5].re, 1.0);
    assert_eq!(field[1].re, 100.0 / 255.0);

    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(read_field(&path).unwrap_err().to_string().contains("not a readable PNG"));
    fs::write(&path, b"GIF89a").unwrap();
    assert!(read_field(&path).unwrap_err().to_string().contains("neither"));
}
