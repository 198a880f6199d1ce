//! The text of shaders: `shaders/<stem>.wgsl` behind the library files that it names.

use include_dir::{Dir, include_dir};

static SHADERS: Dir = include_dir!("$CARGO_MANIFEST_DIR/shaders");

/// A file of the shaders folder.
pub fn file(path: &str) -> Option<&'static str> {
    SHADERS.get_file(path)?.contents_utf8()
}

/// Stems of all shaders that have entry points.
pub fn stems() -> Vec<&'static str> {
    SHADERS.files().filter_map(|f| f.path().file_stem()?.to_str()).collect()
}

/// Paths of all library files.
pub fn library() -> Vec<String> {
    let lib = SHADERS.get_dir("lib");
    lib.into_iter().flat_map(Dir::files).map(|f| f.path().display().to_string()).collect()
}

/// The library files named by `// needs: a b` lines, then the shader, or where it says
/// `// as: stem` that one, which takes other files from here.
pub fn text(stem: &str) -> Option<String> {
    let own = file(&format!("{stem}.wgsl"))?;
    let (mut all, mut body) = (String::new(), own);
    for line in own.lines().take_while(|l| l.starts_with("//")) {
        for name in line.strip_prefix("// needs: ").into_iter().flat_map(str::split_whitespace) {
            all.push_str(file(&format!("lib/{name}.wgsl"))?);
            all.push('\n');
        }
        if let Some(other) = line.strip_prefix("// as: ") {
            body = file(&format!("{other}.wgsl"))?;
        }
    }
    Some(all + body)
}
