//! Sets known by name: where they are looked for, their checksums, and MNIST compiled in.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::idx::{self, Idx};
use super::{Source, folder, table, validation_size};
use crate::error::{Error, Result};

struct Known {
    name: &'static str,
    title: &'static str,
    classes: [&'static str; 10],
    image: [usize; 2],
    train: usize,
    test: usize,
    licence: &'static str,
    origin: &'static str,
    /// Way to get it.
    get: &'static str,
    /// Of the unpacked files, in the order of [`idx::ROLES`].
    sha256: [&'static str; 4],
    built_in: Option<[&'static [u8]; 4]>,
}

macro_rules! mnist_file {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/datasets/mnist/", $name))
    };
}

static KNOWN: [Known; 2] = [
    Known {
        name: "mnist",
        title: "MNIST handwritten digits",
        classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        image: [28, 28],
        train: 60_000,
        test: 10_000,
        licence: "CC BY-SA 3.0, Y. LeCun and C. Cortes",
        origin: "http://yann.lecun.com/exdb/mnist/",
        get: "it is compiled in",
        sha256: [
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ],
        built_in: Some([
            mnist_file!("train-images-idx3-ubyte.gz"),
            mnist_file!("train-labels-idx1-ubyte.gz"),
            mnist_file!("t10k-images-idx3-ubyte.gz"),
            mnist_file!("t10k-labels-idx1-ubyte.gz"),
        ]),
    },
    Known {
        name: "fashion-mnist",
        title: "Fashion-MNIST articles of clothing",
        classes: [
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        image: [28, 28],
        train: 60_000,
        test: 10_000,
        licence: "MIT, Zalando SE 2017",
        origin: "https://github.com/zalandoresearch/fashion-mnist",
        get: "apt-get install dataset-fashion-mnist (Debian, Ubuntu), or put its four IDX files \
              into a folder fashion-mnist and set LIGHTLOOM_DATA to the folder above",
        sha256: [
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ],
        built_in: None,
    },
];

/// Spoken vowels, a table of nine features that is compiled in.
const VOWEL: &str = "vowel";
static VOWEL_TABLE: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/datasets/vowel/vowel.csv"));

fn vowel() -> Result<Source> {
    table::from_stream(Path::new("vowel.csv"), VOWEL_TABLE, None)
}

fn survey_vowel() -> Found {
    let train = 528;
    Found {
        name: VOWEL,
        title: "Deterding vowels, split by speaker",
        classes: vec!["hAd", "hEd", "hId", "hOd", "hUd", "hYd", "had", "hed", "hid", "hod", "hud"],
        image: [1, 9],
        train: train - validation_size(train),
        val: validation_size(train),
        test: 462,
        licence: "CC BY 4.0, D. Deterding 1989",
        origin: "https://archive.ics.uci.edu/dataset/152",
        place: Where::BuiltIn,
        verified: Some(true),
        problem: None,
        get: "it is compiled in",
    }
}

/// Where a known set is, for `lightloom data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    Folder(PathBuf),
    BuiltIn,
    Missing,
}

/// A known set as [`survey`] finds it.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    pub name: &'static str,
    pub title: &'static str,
    pub classes: Vec<&'static str>,
    /// Height and width.
    pub image: [usize; 2],
    pub train: usize,
    pub val: usize,
    pub test: usize,
    pub licence: &'static str,
    pub origin: &'static str,
    pub place: Where,
    /// Whether all four files have the right sha256; none where the set is missing.
    pub verified: Option<bool>,
    /// What is wrong with the files that were found.
    pub problem: Option<String>,
    /// How to get the set.
    pub get: &'static str,
}

/// Folders in which a set of this name is looked for, in order.
pub fn locations(name: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Some(root) = std::env::var_os("LIGHTLOOM_DATA").filter(|root| !root.is_empty()) {
        folders.push(PathBuf::from(root).join(name));
    }
    let mut roots: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
    if let Ok(exe) = std::env::current_exe() {
        roots.extend(exe.ancestors().skip(1).map(Path::to_owned));
    }
    roots.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    folders.extend(roots.into_iter().map(|root| root.join("assets/datasets").join(name)));
    folders.push(Path::new("/usr/share/datasets").join(name));
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

/// Every known set: what it is, where it is, and whether its files are right (reads them all).
pub fn survey() -> Vec<Found> {
    let images = KNOWN.iter().map(|known| known.survey(&locations(known.name)));
    images.chain([survey_vowel()]).collect()
}

pub(super) fn load(name: &str) -> Result<Source> {
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(Error::invalid("data.name", format!("`{name}` is not the name of a data set"))
            .help("files of your own are given as data.path"));
    }
    load_from(name, &locations(name))
}

pub(super) fn load_from(name: &str, folders: &[PathBuf]) -> Result<Source> {
    if name == VOWEL {
        return vowel();
    }
    let known = KNOWN.iter().find(|known| known.name == name);
    let Some(known) = known else {
        return match folders.iter().find(|folder| folder.is_dir()) {
            Some(folder) => folder::load(folder),
            None => Err(nowhere(name, folders, &{
                let names = KNOWN.iter().map(|known| known.name).chain([VOWEL]);
                let names: Vec<&str> = names.collect();
                format!("known by name: {}; other files are given as data.path", names.join(", "))
            })),
        };
    };
    match known.find(folders)? {
        (Where::Folder(_), Some([a, b, c, d])) => {
            let read = |path: &Path| idx::read(path, true);
            known.set([read(&a)?, read(&b)?, read(&c)?, read(&d)?])
        }
        (Where::BuiltIn, _) => known.unpack(),
        _ => Err(nowhere(name, folders, known.get)),
    }
}

fn nowhere(name: &str, folders: &[PathBuf], way_out: &str) -> Error {
    let looked: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    let rule = format!("data set `{name}` is not found; looked for it in {}", looked.join(", "));
    Error::invalid("data.name", rule).help(way_out)
}

impl Known {
    /// The first folder with IDX files in it, else the compiled-in copy.
    fn find(&self, folders: &[PathBuf]) -> Result<(Where, Option<[PathBuf; 4]>)> {
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            if let Some(files) = folder::find_idx(folder)? {
                return Ok((Where::Folder(folder.clone()), Some(files)));
            }
        }
        let place = if self.built_in.is_some() { Where::BuiltIn } else { Where::Missing };
        Ok((place, None))
    }

    fn unpack(&self) -> Result<Source> {
        let read = |i: usize| {
            let bytes = self.built_in.map_or(&[][..], |files| files[i]);
            let path = format!("{}/{}, compiled in", self.name, idx::ROLES[i]);
            idx::from_stream(Path::new(&path), bytes, bytes.len() as u64, true)
        };
        self.set([read(0)?, read(1)?, read(2)?, read(3)?])
    }

    fn set(&self, files: [Idx; 4]) -> Result<Source> {
        for (file, sha256) in files.iter().zip(self.sha256) {
            if file.sha256 != sha256 {
                let what = format!(
                    "not the file of {}: the sha256 of its unpacked content is {}, not {sha256}",
                    self.title, file.sha256
                );
                return Err(Error::format(&file.path, what).help(format!(
                    "fetch it again from {}, or give its folder as data.path if another set is meant",
                    self.origin
                )));
            }
        }
        let mut set = idx::set(self.name, files)?;
        set.classes = self.classes.map(str::to_owned).to_vec();
        Ok(set)
    }

    fn survey(&self, folders: &[PathBuf]) -> Found {
        let place = self.find(folders).map_or(Where::Missing, |(place, _)| place);
        let problem = match load_from(self.name, folders) {
            Err(e) if !matches!(e, Error::Invalid(_)) => Some(e.to_string()),
            _ => None,
        };
        let val = validation_size(self.train);
        Found {
            name: self.name,
            title: self.title,
            classes: self.classes.to_vec(),
            image: self.image,
            train: self.train - val,
            val,
            test: self.test,
            licence: self.licence,
            origin: self.origin,
            verified: (place != Where::Missing).then_some(problem.is_none()),
            place,
            problem,
            get: self.get,
        }
    }
}
