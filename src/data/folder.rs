//! A folder that holds a data set: IDX files, `.npy` arrays, PNG by class, or one table.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Source, arrays, idx, pngs, table};
use crate::error::{Error, Result};

pub(super) fn load(folder: &Path) -> Result<Source> {
    if let Some(files) = find_idx(folder)? {
        let [a, b, c, d] = &files;
        let read = |path: &Path| idx::read(path, false);
        return idx::set(&name_of(folder), [read(a)?, read(b)?, read(c)?, read(d)?]);
    }
    let (folders, files) = entries(folder)?;
    if files.iter().any(|f| f.file_name().is_some_and(|n| n == "x_train.npy")) {
        return arrays::load_folder(folder);
    }
    let with = |extension: &str| -> Vec<&PathBuf> {
        files.iter().filter(|f| has_extension(f, extension)).collect()
    };
    match (&with("npz")[..], &with("csv")[..]) {
        ([one], []) => arrays::load_npz(one),
        ([], [one]) => table::load(one, None),
        ([], []) if !folders.is_empty() => pngs::load(folder),
        ([], []) => Err(Error::format(folder, "no data set is in this folder").help(
            "it may hold IDX files (train-images*, train-labels*, t10k-images*, t10k-labels*), \
             x_train.npy, y_train.npy, x_test.npy and y_test.npy, one .npz or .csv, or one \
             folder of PNG per class",
        )),
        _ => Err(Error::format(folder, "more than one .npz or .csv is in this folder")
            .help("give the file itself as data.path")),
    }
}

/// The four IDX files of a folder in the order of [`idx::ROLES`]; none where it has no such file.
pub(super) fn find_idx(folder: &Path) -> Result<Option<[PathBuf; 4]>> {
    let (_, files) = entries(folder)?;
    let mut found = [const { None }; 4];
    for (slot, role) in found.iter_mut().zip(idx::ROLES) {
        *slot = pick(folder, &files, role)?;
    }
    if found.iter().all(Option::is_none) {
        return Ok(None);
    }
    let missing: Vec<&str> =
        idx::ROLES.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(role, _)| *role).collect();
    match found {
        [Some(a), Some(b), Some(c), Some(d)] => Ok(Some([a, b, c, d])),
        _ => Err(Error::format(folder, format!("no file {}* is here", missing.join("*, no file ")))
            .help("an IDX set has four files, train-images*, train-labels*, t10k-images* (or test-images*) and t10k-labels*")),
    }
}

fn pick(folder: &Path, files: &[PathBuf], role: &str) -> Result<Option<PathBuf>> {
    let other = role.replace("t10k", "test");
    let fits = |f: &&PathBuf| {
        let name = f.file_name().unwrap_or_default().to_string_lossy();
        (name.contains(role) || name.contains(&other))
            && (name.ends_with(".gz")
                || !name.contains('.')
                || name.contains("ubyte")
                || name.ends_with(".idx"))
    };
    let mut fitting: Vec<&PathBuf> = files.iter().filter(fits).collect();
    // The same file packed and unpacked: the unpacked one is read.
    let plain: Vec<PathBuf> =
        fitting.iter().filter(|f| !has_extension(f, "gz")).map(|f| (*f).clone()).collect();
    fitting.retain(|f| !has_extension(f, "gz") || !plain.contains(&f.with_extension("")));
    match fitting[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        [a, b, ..] => Err(Error::format(
            folder,
            format!("both {} and {} could be the {role}", a.display(), b.display()),
        )
        .help("keep the four files of one set in a folder")),
    }
}

/// Sub-folders and files, sorted; hidden ones left out.
pub(super) fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let failed = |e| Error::file(folder, "read", e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths.into_iter().partition(|p| p.is_dir()))
}

pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

/// Last part of a path, without the extension of a file.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
