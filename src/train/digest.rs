//! What a run reads besides its experiment, as one SHA-256: whether a result that was kept is still
//! of the same data and files.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::optics::Source;
use crate::optics::element::Element;

/// In hexadecimal; of validation and test set the first `looked_at` samples each.
///
/// # Errors
/// Where a file that the optic or the hardware names cannot be read.
pub fn digest(experiment: &Experiment, data: &Dataset, looked_at: usize) -> Result<String> {
    let mut hash = Sha256::new();
    let [ny, nx] = data.image;
    for (split, most) in
        [(&data.train, usize::MAX), (&data.val, looked_at), (&data.test, looked_at)]
    {
        samples(&mut hash, split, most, ny * nx);
    }
    for name in &data.classes {
        item(&mut hash, name.as_bytes());
    }
    for path in files(experiment) {
        item(&mut hash, &std::fs::read(path).map_err(|e| Error::file(path, "read", e))?);
    }
    Ok(hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

/// With its length, so that neighbours do not run into each other.
fn item(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// The first of a split, of `values` pixels each.
fn samples(hash: &mut Sha256, split: &Split, most: usize, values: usize) {
    let count = split.len().min(most);
    hash.update((count as u64).to_le_bytes());
    let (mut image, mut bytes) = (vec![0.0; values], Vec::with_capacity(4 * values));
    for i in 0..count {
        split.write_image(i, &mut image);
        bytes.clear();
        // Pixels are 8 bits or f32 where they come from.
        bytes.extend(image.iter().flat_map(|&x| (x as f32).to_le_bytes()));
        hash.update((split.label(i) as u64).to_le_bytes());
        hash.update(&bytes);
    }
}

/// That the optic and the hardware name.
fn files(experiment: &Experiment) -> Vec<&PathBuf> {
    let mut all = Vec::new();
    if let Source::File(file) = &experiment.optic.source {
        all.push(&file.path);
    }
    all.extend(experiment.hardware.iter().filter_map(|h| h.mask.lookup.as_ref()));
    all.extend(experiment.optic.element.iter().filter_map(|element| match element {
        Element::PhaseMask(mask) => mask.file.as_ref(),
        Element::AmplitudeMask(mask) => mask.file.as_ref(),
        _ => None,
    }));
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::digest;
    use crate::data;
    use crate::experiment::load;
    use crate::optics::element::Element;

    const TINY: &str = r#"
data = { name = "mnist", train_limit = 32 }
[optic]
wavelength = "0.75 mm"
pitch = "0.4 mm"
samples = 16
input = { aperture = 0.9 }
element = [
  { kind = "free_space", z = "10 mm" },
  { kind = "phase_mask" },
  { kind = "free_space", z = "10 mm" },
]
detector = { size = "0.8 mm", spread = 0.9 }
[train]
epochs = 1
batch = 32
"#;

    /// Samples that are looked at, labels, and what lies in a file whatever it is called.
    #[test]
    fn all_that_is_read_counts() {
        let loaded =
            load::from_text("tiny.toml", TINY, Path::new("."), &[]).expect("an experiment");
        let mut experiment = loaded.experiment;
        let mut source = experiment.data.clone().expect("data");
        let digits = data::load(&source, 1).expect("digits");
        let first = digest(&experiment, &digits, 20).expect("a digest");
        assert_eq!(digest(&experiment, &digits, 20).expect("a digest"), first);
        assert_ne!(digest(&experiment, &digits, 21).expect("a digest"), first);
        source.shuffle_labels = true;
        let shuffled = data::load(&source, 1).expect("digits");
        assert_ne!(digest(&experiment, &shuffled, 20).expect("a digest"), first);

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("phases.npy");
        let Element::PhaseMask(mask) = &mut experiment.optic.element[1] else { panic!("a mask") };
        mask.file = Some(path.clone());
        assert!(digest(&experiment, &digits, 20).is_err());
        let of = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            digest(&experiment, &digits, 20).expect("a digest")
        };
        assert!(of("a") == of("a") && of("a") != of("b"));
    }
}
