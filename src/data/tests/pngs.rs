use super::*;

fn write_class(root: &Path, class: &str, grey: &[u8]) {
    let folder = root.join(class);
    fs::create_dir_all(&folder).unwrap();
    for (i, &v) in grey.iter().enumerate() {
        let path = folder.join(format!("{i:02}.png"));
        image::GrayImage::from_pixel(3, 2, image::Luma([v])).save(path).unwrap();
    }
}

#[test]
fn classes_alone() {
    let dir = tempfile::tempdir().unwrap();
    for (class, start) in [("b", 100), ("a", 0)] {
        write_class(dir.path(), class, &(start..start + 12).collect::<Vec<u8>>());
    }
    let set = open(dir.path());
    assert_eq!((set.image, set.classes), ([2, 3], vec!["a".into(), "b".to_string()]));
    assert_eq!((set.train.len(), set.val.len(), set.test.len()), (19, 1, 4));
    let tests: Vec<f64> = (0..4).map(|i| image(&set.test, i, 6)[0] * 255.0).collect();
    assert_eq!(tests, [5.0, 105.0, 11.0, 111.0]);
    assert_eq!(set.test.labels(), [0, 1, 0, 1]);
}

#[test]
fn train_and_test_folders() {
    let dir = tempfile::tempdir().unwrap();
    let [train, test] = ["train", "test"].map(|n| dir.path().join(n));
    write_class(&train, "10", &[10, 11]);
    write_class(&train, "9", &[90, 91]);
    write_class(&test, "10", &[12]);
    let set = open(dir.path());
    assert_eq!((set.classes, set.test.label(0)), (vec!["9".into(), "10".to_string()], 1));
    assert_eq!((set.train.len(), set.val.len(), set.test.len()), (3, 1, 1));

    let other = test.join("10/99.png");
    image::GrayImage::new(2, 2).save(&other).unwrap();
    fails(dir.path(), &["99.png", "2 x 2 pixels, but", "has 3 x 2"]);
    fs::write(&other, b"\x89PNG\r\n\x1a\n").unwrap();
    fails(dir.path(), &["99.png", "not a readable PNG"]);
    fs::remove_file(&other).unwrap();
    write_class(&test, "7", &[1]);
    fails(dir.path(), &["class 7 has no training image"]);
    write_class(dir.path(), "val", &[1]);
    fails(dir.path(), &["val stands beside train and test"]);
    fs::remove_dir_all(&test).unwrap();
    fails(dir.path(), &["only one of the folders train and test"]);
}

#[test]
fn a_class_without_images() {
    let dir = tempfile::tempdir().unwrap();
    write_class(dir.path(), "a", &[1; 6]);
    write_class(dir.path(), "b", &[]);
    fails(dir.path(), &["b: the folder of a class without"]);
}
