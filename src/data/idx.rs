//! IDX, MNIST's format: `00 00 type dimensions`, big-endian sizes, items; plain or gzip.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::split::{Part, Pixels};
use super::{Source, labels};
use crate::error::{Error, Result};

/// The four files of a set, in the order used throughout.
pub(super) const ROLES: [&str; 4] = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

/// Deflate never packs better than this.
const MOST_PACKED: u64 = 1032;

/// Beyond this, memory is taken only as the bytes arrive.
const LARGE: u64 = 1 << 28;

#[derive(Debug)]
pub(super) struct Idx {
    pub path: PathBuf,
    pub shape: Vec<usize>,
    pub items: Vec<u8>,
    /// Of the unpacked file, in hexadecimal; empty when not asked for.
    pub sha256: String,
}

pub(super) fn read(path: &Path, hash: bool) -> Result<Idx> {
    let failed = |e| Error::file(path, "read", e);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    from_stream(path, BufReader::with_capacity(1 << 16, file), length, hash)
}

/// Reads `length` bytes of a file, packed or not; `path` names it in errors.
pub(super) fn from_stream(
    path: &Path,
    mut stream: impl io::BufRead,
    length: u64,
    hash: bool,
) -> Result<Idx> {
    let start = stream.fill_buf().map_err(|e| Error::file(path, "read", e))?;
    let packed = start.starts_with(&[0x1f, 0x8b]);
    let hash = hash.then(Sha256::new);
    if packed {
        let unpacked = MultiGzDecoder::new(stream);
        Reader { path, stream: unpacked, packed, at: 0, hash }
            .idx(length.saturating_mul(MOST_PACKED))
    } else {
        Reader { path, stream, packed, at: 0, hash }.idx(length)
    }
}

struct Reader<'a, R> {
    path: &'a Path,
    stream: R,
    packed: bool,
    /// Bytes read, unpacked.
    at: u64,
    hash: Option<Sha256>,
}

impl<R: Read> Reader<'_, R> {
    /// `most` is the most that the file can hold, whatever its header says.
    fn idx(mut self, most: u64) -> Result<Idx> {
        let magic = self.take(4, 4)?;
        let (kind, dimensions) = match *magic {
            [0, 0, kind, dimensions @ 1..=4] => (kind, u64::from(dimensions)),
            _ => {
                return Err(Error::format(
                    self.path,
                    format!(
                        "not an IDX file: it starts with {magic:02x?}, not with 00 00 08 and 1 to 3"
                    ),
                ));
            }
        };
        if kind != 8 {
            let what =
                format!("IDX items of type 0x{kind:02x}; only 0x08, unsigned bytes, is read");
            return Err(Error::format(self.path, what)
                .help("save the set as .npz with float32 values 0..1 instead"));
        }
        let sizes = self.take(4 * dimensions, 4 * dimensions)?;
        let shape: Vec<usize> = sizes
            .chunks_exact(4)
            .map(|s| s.iter().fold(0, |n, &byte| n << 8 | usize::from(byte)))
            .collect();
        let promised = shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d as u64));
        let Some(promised) = promised else {
            return Err(Error::format(
                self.path,
                format!("the shape {shape:?} is beyond any file"),
            ));
        };
        if promised == 0 {
            return Err(Error::format(self.path, format!("an empty set, shape {shape:?}")));
        }
        let items = self.take(promised, most)?;
        self.nothing_follows()?;
        let sha256 = self.hash.map_or_else(String::new, |hash| {
            hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
        });
        Ok(Idx { path: self.path.to_owned(), shape, items, sha256 })
    }

    fn take(&mut self, promised: u64, most: u64) -> Result<Vec<u8>> {
        let mut items = Vec::new();
        // One allocation where the size is plausible; what a false header claims is never held.
        let _ = items.try_reserve_exact(promised.min(most).min(LARGE) as usize);
        let mut chunk = vec![0; promised.min(1 << 16) as usize];
        while (items.len() as u64) < promised {
            let missing = promised - items.len() as u64;
            let wanted = missing.min(chunk.len() as u64) as usize;
            match self.read(&mut chunk[..wanted]) {
                Ok(0) => return Err(self.truncated(missing)),
                Ok(got) => items.extend_from_slice(&chunk[..got]),
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(self.truncated(missing));
                }
                Err(e) => return Err(self.failed(e)),
            }
        }
        Ok(items)
    }

    fn nothing_follows(&mut self) -> Result<()> {
        // Also what makes the gzip reader compare its own checksum.
        if self.read(&mut [0]).map_err(|e| self.failed(e))? > 0 {
            let what =
                format!("more bytes follow after the {} that its header announces", self.at - 1);
            return Err(Error::format(self.path, what).help("fetch the file again"));
        }
        Ok(())
    }

    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        let got = loop {
            match self.stream.read(chunk) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.at += got as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&chunk[..got]);
        }
        Ok(got)
    }

    fn failed(&self, e: io::Error) -> Error {
        if !self.packed {
            return Error::file(self.path, "read", e);
        }
        let what = format!("damaged gzip data after {} unpacked bytes: {e}", self.at);
        Error::format(self.path, what).help("fetch the file again")
    }

    fn truncated(&self, missing: u64) -> Error {
        let what = format!("truncated: it ends after {} bytes, {missing} are missing", self.at);
        Error::format(self.path, what).help("fetch the file again")
    }
}

/// Four files in the order of [`ROLES`] -> a set; class names are the labels.
pub(super) fn set(name: &str, files: [Idx; 4]) -> Result<Source> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let image = image_of(&train_images)?;
    if image_of(&test_images)? != image {
        let what = format!(
            "images of shape {:?}, but those of {} have {:?}",
            &test_images.shape[1..],
            train_images.path.display(),
            &train_images.shape[1..]
        );
        return Err(Error::format(&test_images.path, what));
    }
    check_counts(&train_images, &train_labels)?;
    check_counts(&test_images, &test_labels)?;
    let texts = |labels: &Idx| labels.items.iter().map(u8::to_string).collect::<Vec<_>>();
    let test_texts = texts(&test_labels);
    let numbered = labels::number(&texts(&train_labels), &test_texts).map_err(|at| {
        let at = at.unwrap_or(0);
        let what = format!(
            "label {} at index {at} (byte {}) occurs nowhere in {}",
            test_texts[at],
            at + 8,
            train_labels.path.display()
        );
        Error::format(&test_labels.path, what)
    })?;
    Ok(Source {
        name: name.to_owned(),
        classes: numbered.classes,
        complex: false,
        image,
        train: Part {
            pixels: Pixels::bytes(&train_images.items, image[0] * image[1]),
            labels: numbered.train,
        },
        test: Part {
            pixels: Pixels::bytes(&test_images.items, image[0] * image[1]),
            labels: numbered.test,
        },
    })
}

fn image_of(images: &Idx) -> Result<[usize; 2]> {
    match images.shape[..] {
        [_, y, x] => Ok([y, x]),
        [_, n] => Ok([1, n]),
        _ => {
            let what =
                format!("shape {:?} where images [n, y, x] or [n, values] belong", images.shape);
            Err(Error::format(&images.path, what))
        }
    }
}

fn check_counts(images: &Idx, labels: &Idx) -> Result<()> {
    if labels.shape.len() != 1 {
        let what = format!("shape {:?} where labels [n] belong", labels.shape);
        return Err(Error::format(&labels.path, what));
    }
    if images.shape[0] != labels.shape[0] {
        let what = format!(
            "{} labels for the {} images of {}",
            labels.shape[0],
            images.shape[0],
            images.path.display()
        );
        return Err(Error::format(&labels.path, what).help("the two files must be of one set"));
    }
    Ok(())
}
