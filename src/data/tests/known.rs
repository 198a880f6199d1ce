use super::super::known::load_from;
use super::*;

#[test]
fn mnist_as_it_is_published() {
    let set = load(&by_name("mnist"), 1).unwrap();
    assert_eq!((set.train.len(), set.val.len(), set.test.len()), (55_000, 5_000, 10_000));
    assert_eq!((set.image, set.classes.len()), ([28, 28], 10));
    let first: Vec<usize> = (0..8).map(|i| set.train.label(i)).collect();
    assert_eq!(first, [5, 0, 4, 1, 9, 2, 1, 3]);
    assert_eq!(set.test.label(0), 7);
    let digit = image(&set.train, 0, 784);
    assert!(digit.iter().all(|v| (0.0..=1.0).contains(v)));
    assert_eq!(digit[5 * 28 + 12], 3.0 / 255.0, "top of the first five");
}

#[test]
fn shuffled_labels_keep_their_histogram_and_spare_the_others() {
    let plain = load(&by_name("mnist"), 1).unwrap();
    let source = DataSource { shuffle_labels: true, train_limit: Some(5000), ..by_name("mnist") };
    let [a, again, b] = [1, 1, 2].map(|seed| load(&source, seed).unwrap());
    let labels = |set: &Dataset| set.train.labels().to_vec();
    assert_eq!(labels(&a), labels(&again));
    assert_ne!(labels(&a), labels(&b));
    let before = &plain.train.labels()[..5000];
    assert_eq!(histogram(a.train.labels()), histogram(before));
    let kept = a.train.labels().iter().zip(before).filter(|(x, y)| x == y).count();
    // By chance one in ten agrees: 500 of 5000, standard deviation 21.
    assert!((400..600).contains(&kept), "{kept}");
    assert_eq!(a.val.labels(), plain.val.labels());
    assert_eq!(a.test.labels(), plain.test.labels());
}

#[test]
fn without_any_folder_mnist_is_compiled_in_and_the_other_is_missing() {
    assert_eq!(load_from("mnist", &[]).unwrap().test.labels.len(), 10_000);
    let folders = [PathBuf::from("/nowhere/a"), PathBuf::from("/nowhere/b")];
    let Error::Invalid(e) = load_from("fashion-mnist", &folders).unwrap_err() else { panic!() };
    assert_eq!(e.key, "data.name");
    assert!(e.rule.contains("/nowhere/a, /nowhere/b"), "{}", e.rule);
    let help = e.help.unwrap();
    assert!(help.contains("apt-get install dataset-fashion-mnist"), "{help}");
    assert!(help.contains("LIGHTLOOM_DATA"), "{help}");
}

#[test]
fn an_unknown_name_says_which_are_known_and_a_folder_of_that_name_is_read() {
    let error = load(&by_name("no-such-set"), 1).unwrap_err();
    let Error::Invalid(e) = error else { panic!() };
    assert!(e.rule.contains("`no-such-set`") && e.rule.contains("/usr/share/datasets/no-such-set"));
    assert!(e.help.unwrap().contains("mnist, fashion-mnist"));
    assert!(load(&by_name("../mnist"), 1).is_err());

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), "x,class\n0.5,a\n0.25,b\n").unwrap();
    let set = load_from("mine", &[PathBuf::from("/nowhere"), dir.path().to_owned()]).unwrap();
    assert_eq!(set.classes, ["a", "b"]);
}

#[test]
fn other_content_under_a_known_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/datasets/mnist");
    for role in super::super::idx::ROLES {
        let kind = if role.ends_with("images") { "idx3" } else { "idx1" };
        let name = format!("{role}-{kind}-ubyte.gz");
        fs::copy(assets.join(&name), dir.path().join(&name)).unwrap();
    }
    let folders = [dir.path().to_owned()];
    assert!(load_from("mnist", &folders).is_ok());
    let error = load_from("fashion-mnist", &folders).unwrap_err();
    let text = error.to_string();
    for part in ["train-images-idx3-ubyte.gz", "ba891046e650", "not c59f468a2f67", "Fashion"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(matches!(error, Error::Format { help: Some(_), .. }));
}

#[test]
fn only_images_are_moved_and_not_out_of_sight() {
    for (name, shift) in [("vowel", 1), ("mnist", 28)] {
        let error = load(&DataSource { shift, ..by_name(name) }, 1).unwrap_err();
        assert!(error.to_string().contains("out of sight"), "{name}: {error}");
    }
    assert_eq!(load(&DataSource { shift: 2, ..by_name("mnist") }, 1).unwrap().shift, 2);
}

#[test]
fn the_survey_lists_all() {
    let survey = survey();
    let [mnist, fashion, vowel] = &survey[..] else { panic!() };
    assert_eq!((mnist.name, mnist.train, mnist.val, mnist.test), ("mnist", 55_000, 5_000, 10_000));
    assert_eq!((mnist.verified, &mnist.problem), (Some(true), &None));
    assert!(mnist.licence.contains("CC BY-SA 3.0"));
    assert_eq!(fashion.classes[9], "Ankle boot");
    assert_eq!(fashion.verified.is_none(), fashion.place == Where::Missing);
    // What the survey says of the vowels is what the table holds.
    let set = load(&by_name("vowel"), 1).unwrap();
    assert_eq!(
        [vowel.train, vowel.val, vowel.test],
        [set.train.len(), set.val.len(), set.test.len()]
    );
    assert_eq!((&vowel.image, vowel.classes.len()), (&set.image, 11));
    assert!(vowel.classes.iter().all(|c| set.classes.iter().any(|s| s == c)));
    assert!(locations("x").iter().all(|folder| folder.ends_with("x")));
}
