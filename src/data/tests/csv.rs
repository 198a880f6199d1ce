use super::*;

fn table(dir: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = dir.path().join("set.csv");
    fs::write(&path, text).unwrap();
    path
}

/// 24 rows sorted by class, as tables often are.
fn sorted_by_class() -> String {
    let mut text = "a,b,class\n".to_owned();
    for row in 0..24 {
        let class = if row < 12 { "ant" } else { "bee" };
        text.push_str(&format!("{},0.5,{class}\n", f64::from(row) / 100.0));
    }
    text
}

#[test]
fn every_sixth_row_of_a_class_is_test_and_every_split_has_every_class() {
    let dir = tempfile::tempdir().unwrap();
    let set = open(&table(&dir, &sorted_by_class()));
    assert_eq!((set.image, set.classes), ([1, 2], vec!["ant".into(), "bee".to_string()]));
    assert_eq!((set.train.len(), set.val.len(), set.test.len()), (19, 1, 4));
    assert_eq!(histogram(set.test.labels())[..2], [2, 2]);
    assert_eq!(image(&set.test, 0, 2), [f64::from(0.05f32), 0.5]);
    assert_eq!(image(&set.test, 1, 2), [f64::from(0.17f32), 0.5]);
    let first: Vec<usize> = (0..4).map(|i| set.train.label(i)).collect();
    assert_eq!(first, [0, 1, 0, 1]);
}

#[test]
fn the_label_and_the_split_are_found_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let text = "Label, x, SPLIT, y\n2, 0.1, train, 0.2\n10, 0.3, Train, 0.4\n2, 0.5, test, 0.6\n";
    let set = open(&table(&dir, text));
    assert_eq!(set.classes, ["2", "10"]);
    assert_eq!((set.train.len(), set.val.len(), set.test.len()), (1, 1, 1));
    assert_eq!(image(&set.test, 0, 2), [f64::from(0.5f32), f64::from(0.6f32)]);
    assert_eq!(set.val.label(0), 1);
}

#[test]
fn errors_name_the_line_and_the_column() {
    let dir = tempfile::tempdir().unwrap();
    let fails = |text: &str, parts: &[&str]| fails(&table(&dir, text), parts);
    let good = sorted_by_class();
    fails(&good.replace("0.03,0.5", "0.03,7"), &["set.csv", "line 5, column b", "7 is outside"]);
    fails(&good.replace("0.03,0.5", "0.03,NaN"), &["line 5, column b", "NaN"]);
    fails(&good.replace("0.03,0.5", "x,0.5"), &["line 5, column a", "`x` is not a number"]);
    fails(&good.replace("0.03,0.5", "0.03"), &["line 5", "2 fields", "has 3"]);
    fails(&good.replace("0.03,0.5,ant", "0.03,0.5,"), &["line 5, column class", "no label"]);
    fails("", &["line 1"]);
    fails("1,2,3\n", &["a header"]);
    fails("class\nant\n", &["a column of features"]);
    fails("a,class\n", &["no row follows"]);
    fails("a,class\n0.1,x\n0.2,x\n", &["2 training and 0 test samples"]);
    fails("a,split,class\n0,train,x\n0,dev,x\n", &["line 3, column split", "`dev` is neither"]);
    let text = "a,split,class\n0,train,x\n0,train,x\n0,test,y\n";
    fails(text, &["line 4: class y has no training row"]);
    let path = dir.path().join("set.csv");
    fs::write(&path, b"a,class\n0.1,\xff\n").unwrap();
    super::fails(&path, &["line 2", "utf-8"]);
}

#[test]
fn columns_in_pairs_are_complex_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = table(
        &dir,
        "a,b,c,d,class,split\n0.5,0,1,3.14159265358979,x,train\n0,0,0.25,1,y,train\n0.5,0,0,0,x,train\n0.5,1,0,0,y,test\n",
    );
    let open = |pairs| load(&DataSource { complex: Some(pairs), ..by_path(&path) }, 1);
    let set = open(Pairs::Polar).unwrap();
    assert!(set.complex && set.image == [1, 4]);
    let first = image(&set.train, 0, 4);
    for (got, wanted) in first.iter().zip([0.5, 0.0, -1.0, 0.0]) {
        assert!((got - wanted).abs() < 1e-7, "{first:?}");
    }
    let error = open(Pairs::Cartesian).unwrap_err().to_string();
    assert!(error.contains("line 2, column c: the modulus of 1 + 3.14"), "{error}");
    let path = table(&dir, "a,b,c,class\n0.5,0,1,x\n");
    let error = load(&DataSource { complex: Some(Pairs::Polar), ..by_path(&path) }, 1);
    assert!(error.unwrap_err().to_string().contains("3 columns of features make no pairs"));
    let path = table(&dir, "a,b,class\n-0.5,0,x\n");
    let error = load(&DataSource { complex: Some(Pairs::Polar), ..by_path(&path) }, 1);
    assert!(error.unwrap_err().to_string().contains("column a: an amplitude of -0.5"));
}
