use super::*;

fn idx(shape: &[u32], items: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend_from_slice(items);
    bytes
}

/// 24 + 3 images of 2 x 3, sample i filled with i, label i % 3.
fn write_set(dir: &Path) -> [PathBuf; 4] {
    let images = |n: u32| {
        let items: Vec<u8> = (0..n).flat_map(|i| [i as u8; 6]).collect();
        idx(&[n, 2, 3], &items)
    };
    let labels = |n: u32| idx(&[n], &(0..n).map(|i| (i % 3) as u8).collect::<Vec<_>>());
    let files = [
        ("train-images-idx3-ubyte", images(24)),
        ("train-labels-idx1-ubyte", labels(24)),
        ("t10k-images-idx3-ubyte", images(3)),
        ("t10k-labels-idx1-ubyte", labels(3)),
    ];
    files.map(|(name, bytes)| {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        path
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn the_last_twelfth_is_validation() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let set = open(dir.path());
    assert_eq!((set.train.len(), set.val.len(), set.test.len()), (22, 2, 3));
    assert_eq!((set.image, set.classes.len()), ([2, 3], 3));
    assert_eq!(image(&set.train, 21, 6), [21.0 / 255.0; 6]);
    assert_eq!(image(&set.val, 1, 6), [23.0 / 255.0; 6]);
    assert_eq!((set.val.label(1), set.test.label(2)), (2, 2));
    assert!(set.train.shares_images_with(&set.val) && !set.train.shares_images_with(&set.test));
}

#[test]
fn packed_files_and_other_names_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for path in write_set(dir.path()) {
        let packed = gzip(&fs::read(&path).unwrap());
        let name = path.file_name().unwrap().to_str().unwrap().replace("t10k", "letters-test");
        fs::write(dir.path().join(format!("{name}.gz")), packed).unwrap();
        fs::remove_file(path).unwrap();
    }
    assert_eq!(image(&open(dir.path()).test, 2, 6), [2.0 / 255.0; 6]);
}

#[test]
fn the_unpacked_file_wins_and_two_of_a_kind_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    fs::write(dir.path().join("train-images-idx3-ubyte.gz"), b"junk").unwrap();
    assert_eq!(open(dir.path()).train.len(), 22);
    fs::write(dir.path().join("old-train-images-idx3-ubyte"), b"junk").unwrap();
    fails(dir.path(), &["old-train-images", "could be the train-images"]);
}

#[test]
fn train_limit_keeps_the_first() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let mut source = DataSource { train_limit: Some(5), ..by_path(dir.path()) };
    let set = load(&source, 1).unwrap();
    assert_eq!((set.train.len(), set.val.len()), (5, 2));
    assert_eq!(image(&set.val, 0, 6), [22.0 / 255.0; 6]);
    for limit in [0, 23] {
        source.train_limit = Some(limit);
        let error = load(&source, 1).unwrap_err().to_string();
        assert!(error.contains("data.train_limit") && error.contains("1 to 22"), "{error}");
    }
}

#[test]
fn damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let [images, labels, test_images, test_labels] = write_set(dir.path());
    let whole = fs::read(&images).unwrap();
    let with = |path: &Path, bytes: &[u8], parts: &[&str]| {
        let before = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
        fails(dir.path(), parts);
        fs::write(path, before).unwrap();
    };
    with(&images, &whole[..whole.len() - 7], &["train-images", "truncated", " 7 are missing"]);
    with(&images, &whole[..3], &["truncated", " 1 are missing"]);
    with(&images, &[], &["truncated", " 4 are missing"]);
    with(&images, &[&whole[..], &[0]].concat(), &["more bytes follow after the 160"]);
    with(&images, b"\x89PNG and so on", &["not an IDX file", "[89, 50, 4e, 47]"]);
    with(&images, &idx(&[u32::MAX; 3], &[1]), &["beyond any file"]);
    with(&images, &idx(&[u32::MAX; 1], &[1]), &["4294967294 are missing"]);
    with(&images, &idx(&[0, 2, 3], &[]), &["an empty set"]);
    with(&images, &idx(&[24], &[0; 24]), &["shape [24] where images"]);
    with(&images, &[0, 0, 0x0d, 1, 0, 0, 0, 0], &["type 0x0d"]);
    with(&labels, &idx(&[23], &[0; 23]), &["train-labels", "23 labels for the 24 images"]);
    with(&labels, &idx(&[24, 1], &[0; 24]), &["where labels [n] belong"]);
    with(&test_labels, &idx(&[3], &[0, 9, 0]), &["t10k-labels", "label 9 at index 1 (byte 9)"]);
    with(&test_images, &idx(&[3, 3, 2], &[0; 18]), &["shape [3, 2]", "[2, 3]"]);
    let packed = gzip(&whole);
    with(&images, &packed[..packed.len() - 12], &["missing"]);
    with(&images, &packed[..packed.len() - 2], &["damaged gzip"]);
    let mut flipped = packed.clone();
    let crc = packed.len() - 6;
    flipped[crc] ^= 1;
    with(&images, &flipped, &["damaged gzip"]);
    fs::write(&images, &packed).unwrap();
    assert_eq!(open(dir.path()).train.len(), 22);
    fs::remove_file(&labels).unwrap();
    fails(dir.path(), &["no file train-labels*"]);
}
