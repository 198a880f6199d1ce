//! Every shader, without a GPU: it parses and validates, becomes SPIR-V, MSL and HLSL, its bindings
//! and its uniform block are what the op gives, and no built-in is used whose error WGSL leaves open.

use std::collections::BTreeSet;
use std::path::Path;

use lightloom::backend::gpu::{fftgen, shaders};
use lightloom::ops;
use lightloom::ops::grad_sum::GradSum;
use lightloom::ops::hop::{Chain, Link, Rows, Saved};
use lightloom::ops::kernel::{GpuKernel, Grid, LinePass, Source, Word};
use lightloom::program::{Kind, Slot};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, Scalar, StorageAccess, TypeInner};

/// Limits of the fallback plan, and of a large GPU.
fn limits() -> [fftgen::Limits; 3] {
    [
        fftgen::Limits::of(256, 16 << 10, fftgen::HARDWARE),
        fftgen::Limits::of(1024, 48 << 10, fftgen::HARDWARE),
        fftgen::Limits::of(1024, 32 << 10, fftgen::SOFTWARE),
    ]
}

/// Two rows in ten, none of a low plane.
fn bands(height: usize) -> Rows {
    Rows::marked(&(0..height).map(|y| y / 2 % 5 == 3).collect::<Vec<_>>())
}

/// Over fields of so many rows.
fn passes(height: usize) -> Vec<LinePass> {
    let mask = Link::Modulate { conj: false };
    let grads =
        [Link::Grad(GradSum::Phase, Saved::Whole), Link::Grad(GradSum::Amplitude, Saved::Half)];
    let hop = |from_hybrid, links: &[Link], to_hybrid| {
        let chain = Chain { from_hybrid, links: links.to_vec(), to_hybrid };
        LinePass::Hop(chain, Rows::all(height))
    };
    let part = |whole: LinePass| match whole {
        LinePass::Hop(chain, _) => LinePass::Hop(chain, bands(height)),
        other => other,
    };
    vec![
        LinePass::RowsIn,
        LinePass::Columns { conj: false },
        LinePass::Columns { conj: true },
        LinePass::RowsOut,
        LinePass::ColumnsGrad,
        hop(true, &[mask, Link::Store(Saved::Whole), Link::Attenuate, Link::StoreIntensity], true),
        hop(true, &[grads[0], Link::Modulate { conj: true }, grads[1]], true),
        hop(true, &grads[..1], false),
        hop(false, &[mask], true),
        part(hop(false, &[mask], true)),
        part(hop(true, &[Link::Store(Saved::Whole), Link::StoreIntensity], false)),
    ]
}

/// Memory for half a line of the small windows that cases have.
fn cutting() -> fftgen::Limits {
    fftgen::Limits::of(256, 8 * 10, fftgen::HARDWARE)
}

/// Every kernel of a pass.
fn texts(
    pass: &LinePass,
    field: [usize; 2],
    padded: [usize; 2],
    limits: &fftgen::Limits,
) -> Option<Vec<fftgen::LineKernel>> {
    fftgen::kernels(pass, field, padded, limits).map(|k| k.kernels)
}

fn validate(name: &str, text: &str) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(text)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    // Only where a shader says so: the others run on adapters without.
    let f16 = if text.contains("enable f16;") {
        Capabilities::SHADER_FLOAT16
    } else {
        Capabilities::empty()
    };
    let capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32 | f16;
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    (module, info)
}

/// What Vulkan, Metal and DX12 are given.
fn write_all(name: &str, module: &Module, info: &ModuleInfo) {
    use naga::back::{hlsl, msl, spv};
    assert!(!module.entry_points.is_empty(), "{name} has no entry point");
    for entry in &module.entry_points {
        let which = (entry.stage, entry.name.clone());
        let options =
            spv::PipelineOptions { shader_stage: entry.stage, entry_point: entry.name.clone() };
        let words = spv::write_vec(module, info, &spv::Options::default(), Some(&options));
        assert_eq!(words.unwrap_or_else(|e| panic!("{name}: SPIR-V: {e}"))[0], 0x0723_0203);

        let options = msl::Options { lang_version: (2, 4), ..Default::default() };
        let pipeline =
            msl::PipelineOptions { entry_point: Some(which.clone()), ..Default::default() };
        let (text, _) = msl::write_string(module, info, &options, &pipeline)
            .unwrap_or_else(|e| panic!("{name}: MSL: {e}"));
        assert!(text.contains("kernel void"), "{name}: {text}");

        let mut text = String::new();
        let (options, pipeline) =
            (hlsl::Options::default(), hlsl::PipelineOptions { entry_point: Some(which) });
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(module, info, None)
            .unwrap_or_else(|e| panic!("{name}: HLSL: {e}"));
        assert!(text.contains("numthreads"), "{name}: {text}");
    }
}

#[test]
fn every_shader_is_valid_and_becomes_every_language() {
    let stems = shaders::stems();
    assert!(stems.len() > 15, "{stems:?}");
    for stem in stems {
        let text = shaders::text(stem).unwrap_or_else(|| panic!("{stem} needs what is not there"));
        let (module, info) = validate(stem, &text);
        write_all(stem, &module, &info);
    }
}

/// Functions without bindings; what is written for the values of a lane stands behind either kind
/// of lane, and that behind `complex.wgsl`.
#[test]
fn every_library_file_is_valid() {
    let library = shaders::library();
    assert!(library.len() > 7, "{library:?}");
    let text = |path: &str| shaders::file(path).unwrap();
    let complex = text("lib/complex.wgsl");
    let mut checked = Vec::new();
    for path in library {
        let own = text(&path);
        if path.contains("fft_r") {
            for lane in ["lib/lane_one.wgsl", "lib/lane_two.wgsl"] {
                checked.push((path.clone(), [complex, text(lane), own].join("\n")));
            }
        } else if path.contains("half") {
            let lane = text(&path.replace("half", "lane"));
            checked.push((path, [complex, lane, own].join("\n")));
        } else if path.contains("random") {
            checked.push((path, [text("lib/real.wgsl"), own].join("\n")));
        } else if path.contains("lane") {
            checked.push((path, [complex, own].join("\n")));
        } else {
            checked.push((path, own.to_owned()));
        }
    }
    for (path, text) in checked {
        let (module, _) = validate(&path, &text);
        // Workgroup memory is a function's own; a binding is the shader's.
        let mut globals = module.global_variables.iter();
        assert!(globals.all(|(_, g)| g.binding.is_none()), "{path} has bindings");
        assert!(module.entry_points.is_empty(), "{path} has an entry point");
    }
}

/// The storage bindings of a module in order: scalar or vector of the elements, written or not.
/// Of one entry point: others of the file may have bindings of their own.
fn storage(name: &str, module: &Module, info: &ModuleInfo, entry: &str) -> Vec<(Kind, bool)> {
    let mut found = Vec::new();
    let index = module.entry_points.iter().position(|e| e.name == entry);
    let used = info.get_entry_point(index.unwrap_or_else(|| panic!("{name}: no {entry}")));
    for (handle, global) in module.global_variables.iter() {
        // A file with one entry point has its bindings for that one, used or not.
        if module.entry_points.len() > 1 && used[handle].is_empty() {
            continue;
        }
        let AddressSpace::Storage { access } = global.space else { continue };
        let binding = global.binding.as_ref().expect("a binding");
        assert_eq!(binding.group, 0, "{name}");
        let TypeInner::Array { base, .. } = module.types[global.ty].inner else {
            panic!("{name}: {:?} is no array", global.name)
        };
        let kind = element(&module.types[base].inner)
            .unwrap_or_else(|| panic!("{name}: elements of {:?}", global.name));
        found.push((binding.binding, kind, access.contains(StorageAccess::STORE)));
    }
    found.sort_unstable_by_key(|f| f.0);
    let places: Vec<u32> = found.iter().map(|f| f.0).collect();
    assert_eq!(places, (1..=found.len() as u32).collect::<Vec<_>>(), "{name}");
    found.into_iter().map(|(_, kind, write)| (kind, write)).collect()
}

fn element(inner: &TypeInner) -> Option<Kind> {
    match inner {
        TypeInner::Scalar(Scalar::F32) => Some(Kind::Real),
        TypeInner::Scalar(Scalar::U32) | TypeInner::Atomic(Scalar::U32) => Some(Kind::Index),
        // One complex number, or two side by side.
        TypeInner::Vector {
            size: naga::VectorSize::Bi | naga::VectorSize::Quad,
            scalar: Scalar::F32,
        } => Some(Kind::Complex),
        TypeInner::Vector { size: naga::VectorSize::Bi, scalar: Scalar::U32 } => Some(Kind::Half),
        _ => None,
    }
}

/// Name, type and byte offset of each word of the uniform block.
fn words(name: &str, module: &Module) -> Vec<(String, bool, u32)> {
    let uniforms: Vec<_> =
        module.global_variables.iter().filter(|(_, g)| g.space == AddressSpace::Uniform).collect();
    let [(_, global)] = uniforms[..] else {
        panic!("{name} has {} uniform blocks", uniforms.len())
    };
    assert_eq!(global.binding.as_ref().map(|b| (b.group, b.binding)), Some((0, 0)), "{name}");
    let TypeInner::Struct { members, .. } = &module.types[global.ty].inner else {
        panic!("{name}: the uniform block is no struct")
    };
    let word = |m: &naga::StructMember| {
        let real = match module.types[m.ty].inner {
            TypeInner::Scalar(Scalar::F32) => true,
            TypeInner::Scalar(Scalar::U32) => false,
            _ => panic!("{name}: {:?} is neither u32 nor f32", m.name),
        };
        (m.name.clone().unwrap_or_default(), real, m.offset)
    };
    members.iter().map(word).collect()
}

fn expected_words(kernel: &GpuKernel, sums: fftgen::Sums) -> Vec<(String, bool, u32)> {
    let first = ["first", "count", "leaf", "len"].map(|n| (n, false));
    let own = kernel.words.iter().map(|(n, w)| (*n, matches!(w, Word::F32(_))));
    let own = own.chain((sums == fftgen::Sums::ByTurns).then_some(("turn", false)));
    let all = first.into_iter().chain(own).enumerate();
    all.map(|(i, (n, real))| (n.to_owned(), real, 4 * i as u32)).collect()
}

/// The bindings of a shader in the order in which the backend gives them.
fn expected_storage(source: &Source, inputs: &[&Slot], outputs: &[&Slot]) -> Vec<(Kind, bool)> {
    // A sum takes complex numbers for twice as many reals.
    let kind = |s: &Slot| match s.shape.kind {
        Kind::Complex if *source == Source::Shader("leaf_sum") => Kind::Real,
        kind => kind,
    };
    let read = inputs.iter().map(|s| (kind(s), false));
    read.chain(outputs.iter().map(|s| (kind(s), true))).collect()
}

/// Those of a generated kernel, and how often each operand of the node was bound.
fn expected_of_kernel(
    kernel: &fftgen::LineKernel,
    [inputs, outputs]: [&[&Slot]; 2],
    bound: &mut BTreeSet<(bool, usize)>,
) -> Vec<(Kind, bool)> {
    // Where a lane holds two numbers side by side, two reals are as long as one complex number.
    let pairs = kernel.text.contains("alias C = vec4<f32>");
    let of_slot = |s: &Slot| match (s.shape.kind, pairs) {
        // Two f16 are one word.
        (Kind::Half, false) => Kind::Index,
        (Kind::Half, true) => Kind::Half,
        (_, true) => Kind::Complex,
        (kind, false) => kind,
    };
    let kind = |operand: fftgen::Operand| match operand {
        fftgen::Operand::Twiddles | fftgen::Operand::Scratch(_) => Kind::Complex,
        fftgen::Operand::Input(n) => of_slot(inputs[n]),
        fftgen::Operand::Output(n) => of_slot(outputs[n]),
    };
    for &(operand, write) in &kernel.bindings {
        match operand {
            fftgen::Operand::Input(n) => assert!(bound.insert((false, n)) && !write),
            fftgen::Operand::Output(n) => assert!(bound.insert((true, n)) && write),
            fftgen::Operand::Twiddles => assert!(!write),
            fftgen::Operand::Scratch(_) => {}
        }
    }
    kernel.bindings.iter().map(|&(operand, write)| (kind(operand), write)).collect()
}

/// Invocations of a workgroup are as many as the grid counts with, and elements are counted along x
/// and z.
fn check_workgroup(name: &str, module: &Module, kernel: &GpuKernel) {
    let entry = module.entry_points.iter().find(|e| e.name == kernel.entry).expect("an entry");
    // What shares a workgroup's memory says how many share it, in the shader or in lib/reduce.
    let sharing = || {
        let (_, own) =
            module.constants.iter().find(|(_, c)| c.name.as_deref() == Some("THREADS"))?;
        match module.global_expressions[own.init] {
            naga::Expression::Literal(naga::Literal::U32(threads)) => Some(threads),
            _ => None,
        }
    };
    let threads = match kernel.grid {
        // Of one number.
        Grid::Elements(1) if ["count", "record"].contains(&kernel.entry) => 1,
        Grid::Elements(_) => 256,
        Grid::Sample => 64,
        Grid::Groups(_) | Grid::Shared { .. } => sharing().unwrap_or(256),
    };
    assert_eq!(entry.workgroup_size, [threads, 1, 1], "{name}");
    let calls = |s: &naga::Statement| match s {
        naga::Statement::Call { function, .. } => {
            module.functions[*function].name.as_deref() == Some("element")
        }
        _ => false,
    };
    let counts = matches!(kernel.grid, Grid::Elements(_)) && threads > 1;
    assert_eq!(entry.function.body.iter().any(calls), counts, "{name}: element");
}

#[test]
fn bindings_and_uniform_blocks_are_what_the_ops_give() {
    let mut seen = BTreeSet::new();
    let mut nodes = 0;
    for case in ops::cases() {
        let program = &case.program;
        let sections = program.routines.iter().flat_map(|r| &r.sections);
        for node in sections.flat_map(|s| &s.nodes) {
            let slots = |ids: &[lightloom::program::SlotId]| -> Vec<&Slot> {
                ids.iter().map(|&i| program.slot(i)).collect()
            };
            let (inputs, outputs) = (slots(&node.inputs), slots(&node.outputs));
            let kernel = node.op.gpu(&inputs);
            let name = format!("{} in {}", node.op.name(), case.name);
            let mut check = |text: &str, sums, expected: &[(Kind, bool)]| {
                let (module, info) = validate(&name, text);
                assert_eq!(words(&name, &module), expected_words(&kernel, sums), "{name}");
                if let Source::Shader(_) = kernel.source {
                    check_workgroup(&name, &module, &kernel);
                }
                assert_eq!(storage(&name, &module, &info, kernel.entry), expected, "{name}");
                assert!(expected.len() <= 8, "{name}: more than 8 storage buffers");
                nodes += 1;
            };
            match &kernel.source {
                Source::Shader(stem) => {
                    seen.insert(*stem);
                    let text = shaders::text(stem);
                    let text = text.unwrap_or_else(|| panic!("{name}: no shader {stem}"));
                    let expected = expected_storage(&kernel.source, &inputs, &outputs);
                    check(&text, fftgen::Sums::Nothing, &expected);
                }
                // The last limits cut every line.
                Source::Lines { pass, field, padded } => {
                    for limits in limits().into_iter().chain([cutting()]) {
                        let kernels = texts(pass, *field, *padded, &limits);
                        let mut bound = BTreeSet::new();
                        for k in kernels.unwrap_or_else(|| panic!("{name}: no plan")) {
                            let expected = expected_of_kernel(&k, [&inputs, &outputs], &mut bound);
                            check(&k.text, k.sums, &expected);
                        }
                        assert_eq!(bound.len(), inputs.len() + outputs.len(), "{name}");
                    }
                }
            }
        }
    }
    assert!(nodes > 40, "{nodes} nodes");
    // What only measures the device belongs to no op.
    let stems = shaders::stems().into_iter().filter(|s| !s.starts_with("bench_"));
    let unseen: Vec<_> = stems.filter(|s| !seen.contains(s)).collect();
    assert!(unseen.is_empty(), "no case runs {unseen:?}");
}

/// WGSL promises 2^-11 for sin and cos and little more for the others; ours are in lib/real.wgsl.
const BUILT_INS: [&str; 22] = [
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "exp",
    "exp2",
    "log",
    "log2",
    "pow",
    "inverseSqrt",
    "length",
    "normalize",
    "distance",
];

/// The built-ins that a shader calls, with their lines.
fn calls(text: &str) -> Vec<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        for name in BUILT_INS {
            for (at, _) in code.match_indices(name) {
                let before = code[..at].chars().next_back().is_none_or(|c| !part(c));
                if before && code[at + name.len()..].trim_start().starts_with('(') {
                    found.push(format!("{}: {name}", n + 1));
                }
            }
        }
    }
    found
}

#[test]
fn no_built_in_of_open_error() {
    assert_eq!(calls("let y = 1.0;\nlet x = sin(y); // cos(x)"), ["2: sin"]);
    assert_eq!(calls("x = 2.0 * exp (y) + pow(x, y);"), ["1: exp", "1: pow"]);
    assert!(calls("fn exp_f32(x: f32) -> f32 { return exp_f32(x) + my_log(x); }").is_empty());
    let stems = shaders::stems().into_iter().map(|s| format!("{s}.wgsl"));
    for path in stems.chain(shaders::library()) {
        let found = calls(shaders::file(&path).expect("a file"));
        assert!(found.is_empty(), "shaders/{path}: {found:?}");
    }
    for pass in passes(64) {
        let kernels = texts(&pass, [64, 64], [128, 128], &limits()[0]).expect("a plan");
        assert!(kernels.iter().all(|k| calls(&k.text).is_empty()), "{pass:?}");
    }
}

/// (field, padded) of a window, `[y, x]`.
const WINDOWS: [([usize; 2], [usize; 2]); 22] = [
    ([1, 1], [1, 1]),
    ([1, 1], [2, 2]),
    ([2, 2], [2, 2]),
    ([2, 3], [3, 3]),
    ([3, 2], [4, 5]),
    ([5, 5], [5, 7]),
    ([7, 7], [7, 14]),
    ([4, 6], [8, 12]),
    ([8, 8], [16, 16]),
    ([16, 16], [32, 32]),
    ([15, 21], [30, 42]),
    ([13, 11], [27, 24]),
    ([32, 32], [64, 64]),
    ([64, 64], [128, 128]),
    ([64, 96], [128, 192]),
    ([105, 100], [210, 200]),
    ([200, 200], [400, 400]),
    ([128, 500], [256, 1000]),
    ([512, 512], [1024, 1024]),
    ([2048, 2048], [4096, 4096]),
    ([2, 8192], [4, 16384]),
    ([8192, 3], [16384, 6]),
];

#[test]
fn generated_passes_are_valid_and_repeat() {
    let (mut made, mut cut) = (0, 0);
    for (field, padded) in WINDOWS {
        for limits in limits() {
            for pass in passes(field[0]) {
                let name = format!("{pass:?} {field:?} to {padded:?} within {limits:?}");
                let kernels =
                    texts(&pass, field, padded, &limits).unwrap_or_else(|| panic!("{name}"));
                let again = texts(&pass, field, padded, &limits).expect("a plan");
                cut += usize::from(kernels.len() > 1);
                for (kernel, again) in kernels.iter().zip(again) {
                    let (module, info) = validate(&name, &kernel.text);
                    write_all(&name, &module, &info);
                    let size = module.entry_points[0].workgroup_size;
                    let threads = size.iter().product::<u32>() as usize;
                    assert!(threads <= limits.threads.min(256), "{name}: {size:?}");
                    let shared = |g: &naga::GlobalVariable| g.space == AddressSpace::WorkGroup;
                    let globals = module.global_variables.iter().filter(|(_, g)| shared(g));
                    let layouter = |ty| module.types[ty].inner.size(module.to_ctx());
                    let bytes: u32 = globals.map(|(_, g)| layouter(g.ty)).sum();
                    assert!(bytes as usize <= limits.bytes, "{name}: {bytes} bytes");
                    assert_eq!(again.text, kernel.text, "{name}");
                    made += 1;
                }
            }
        }
    }
    assert!(made > 500 && cut > 20, "{made} kernels, {cut} of cut lines");
}

/// Texts as they were when they were last looked at; `LIGHTLOOM_BLESS=1` writes them anew.
#[test]
fn generated_passes_are_golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let links = vec![Link::Grad(GradSum::Phase, Saved::Whole), Link::Modulate { conj: true }];
    let adjoint = Chain { from_hybrid: true, links, to_hybrid: true };
    let adjoint = LinePass::Hop(adjoint, Rows::all(200));
    let into = Chain { from_hybrid: false, links: Vec::new(), to_hybrid: true };
    let into = LinePass::Hop(into, Rows::marked(&[vec![false; 20], vec![true; 30]].concat()));
    let [web, _, software] = limits();
    for (name, pass, field, padded, limits) in [
        ("rows_in_64_128", LinePass::RowsIn, [64, 64], [128, 128], web),
        ("columns_15_30", LinePass::Columns { conj: false }, [15, 21], [30, 42], web),
        ("hop_200_400", adjoint.clone(), [200, 200], [400, 400], web),
        ("hop_200_400_software", adjoint, [200, 200], [400, 400], software),
        ("hop_in_part_50_100", into, [50, 50], [100, 100], web),
    ] {
        let text = texts(&pass, field, padded, &limits).expect("a plan").remove(0).text;
        let path = folder.join(format!("{name}.wgsl"));
        if std::env::var_os("LIGHTLOOM_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = golden.lines().zip(text.lines()).position(|(a, b)| a != b);
        assert!(
            golden == text,
            "{} differs from line {:?} on; if that is meant: LIGHTLOOM_BLESS=1 cargo test --test shaders",
            path.display(),
            differs.map(|n| n + 1)
        );
    }
}
