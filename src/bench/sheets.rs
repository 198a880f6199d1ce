//! A report as tables of text, for a terminal and for Markdown alike.

use super::clock::Sampled;
use super::host::Host;
use super::peaks::{MEMORY, Peaks, Rate};
use super::point::{Line, Point, Refused};
use super::report::Report;
use super::roofline::{Kernel, Limit, Parts};
use super::scaling::Axis;
use super::work::Passes;

#[derive(Debug, Clone)]
pub struct Sheet {
    pub title: String,
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// How to read it.
    pub note: String,
}

/// Every table of a report, in order; without `all_kernels`, the kernels of the last point alone.
pub fn sheets(report: &Report, all_kernels: bool) -> Vec<Sheet> {
    let mut all: Vec<Sheet> = report.peaks.iter().map(peaks).collect();
    if !report.points.is_empty() {
        all.push(steps(&report.points));
        all.push(rivals(&report.points));
        let first = if all_kernels { 0 } else { report.points.len() - 1 };
        let shown = report.points[first..].iter().flat_map(|p| p.lines.iter().map(move |l| (p, l)));
        all.extend(shown.filter(|(_, l)| !l.kernels.is_empty()).map(|(p, l)| kernels(p, l)));
    }
    all.extend(report.scaling.iter().map(axis));
    all.extend(report.digital.iter().map(super::digital_sheets::products));
    let refused: Vec<(String, &Refused)> = report
        .points
        .iter()
        .flat_map(|p| p.refused.iter().map(|r| (format!("{}: {}", title(p), r.what), r)))
        .chain(report.scaling.iter().flat_map(|a| &a.refused).map(|r| (r.what.clone(), r)))
        .chain(
            report
                .digital
                .iter()
                .flat_map(|d| &d.products)
                .flat_map(|p| &p.refused)
                .map(|r| (r.what.clone(), r)),
        )
        .collect();
    if !refused.is_empty() {
        all.push(Sheet {
            title: "Not measured".into(),
            header: vec!["what", "why"],
            rows: refused.into_iter().map(|(what, r)| vec![what, r.why.clone()]).collect(),
            note: String::new(),
        });
    }
    all
}

/// What stands above the tables.
pub fn head(report: &Report) -> Vec<[String; 2]> {
    let Host { cpu, cores, isa, os, device, driver, threads, date, version, command } =
        &report.host;
    let mut lines = vec![
        ["device".to_owned(), device.clone()],
        ["CPU".to_owned(), format!("{cpu}, {cores} cores, {isa}, {os}; {threads} threads used")],
        ["measured".to_owned(), report.subject.clone()],
        ["date".to_owned(), format!("{date}, {:.0} s", report.seconds)],
        ["version".to_owned(), (*version).to_owned()],
        ["command".to_owned(), command.clone()],
    ];
    if let Some(what) = report.left_out {
        lines.insert(3, ["left out".to_owned(), what.to_owned()]);
    }
    if let Some(driver) = driver {
        lines.insert(1, ["driver".to_owned(), driver.clone()]);
    }
    if let Some(why) = &report.without_peaks {
        lines.push(["no roofline".to_owned(), why.clone()]);
    }
    lines
}

fn peaks(p: &Peaks) -> Sheet {
    let row = |what: String, one: Option<&Rate>, all: &Rate, unit: &str| {
        let one = one.map_or("-".into(), |r| format!("{:.1}", r.best));
        vec![what, one, format!("{:.1}", all.best), unit.into()]
    };
    let mut rows =
        vec![row("multiply-add, f32".into(), p.fma_one_thread.as_ref(), &p.fma, "GFLOP/s")];
    if let Some(mixed) = &p.fma_and_sums {
        let what = "multiply-add with sums beside it, f32".into();
        rows.push(row(what, Some(&mixed.one_thread), &mixed.all, "GFLOP/s"));
    }
    for level in &p.copy {
        let what = match (level.holds, &level.one_thread) {
            (Some(h), Some(_)) => format!("copy in {} ({} KiB a thread)", level.name, h >> 10),
            (Some(_), None) => format!("copy {}", level.name),
            (None, _) => format!("copy in {}", level.name),
        };
        rows.push(row(what, level.one_thread.as_ref(), &level.all, "GB/s"));
    }
    let found = if p.copy_by_size.is_empty() {
        ""
    } else {
        " A GPU does not tell its caches: sizes that it copies about as fast are one level."
    };
    Sheet {
        title: "What the device can do at most".into(),
        header: vec!["", "one thread", "all", ""],
        rows,
        note: format!(
            "The best of several tries of this run. A copy counts what it reads and what it writes: \
             what reads more than it writes may be above 100 % of it. A line below is \
             held against the larger rate of arithmetic and the level that its operands fit.{found}"
        ),
    }
}

fn title(p: &Point) -> String {
    let [y, x] = p.samples;
    format!("{y} x {x}, batch {}", p.batch)
}

fn steps(points: &[Point]) -> Sheet {
    let row = |p: &Point, l: &Line| {
        vec![
            title(p),
            l.routine.to_owned(),
            spread(&l.seconds),
            l.seconds.n.to_string(),
            format!("{:.0}", l.images_per_s),
            format!("{:.1}", l.gflop_s),
            format!("{:.1}", l.gb_s),
            share(l.roofline_share),
            limits(l),
            launches(l),
            format!("{:.2}", l.bytes / l.minimum_bytes),
            format!("{:.0} %", 100.0 * outside(l)),
            time(l.feed_seconds),
        ]
    };
    Sheet {
        title: "Whole steps".into(),
        header: vec![
            "samples",
            "routine",
            "time (quartiles)",
            "n",
            "images/s",
            "GFLOP/s",
            "GB/s",
            "roofline",
            "limited by",
            "launches",
            "bytes",
            "outside",
            "loader",
        ],
        rows: points.iter().flat_map(|p| p.lines.iter().map(|l| row(p, l))).collect(),
        note: "Time of one batch, the data loader included (a propagation has none). Operations: 5 M \
               log2 M a line of M. Roofline: least time by the peaks above, node by node, over the \
               time taken. Launches: in brackets passes over lines; 2P + 1 for each run of P \
               propagations is the least, and on software Vulkan one with a gradient is a launch for \
               every sample of a leaf. Bytes: what passes between kernels, without what all samples \
               share, over the fused schedule's. Outside: of the step's time, what no kernel takes."
            .into(),
    }
}

/// What of a step no kernel takes.
fn outside(l: &Line) -> f64 {
    l.outside_seconds / (l.node_seconds + l.outside_seconds)
}

fn launches(l: &Line) -> String {
    let Passes { propagations, lines, .. } = l.passes;
    format!("{} ({lines} = 2*{propagations} + {})", l.launches, lines - 2 * propagations)
}

fn rivals(points: &[Point]) -> Sheet {
    let mut rows = Vec::new();
    for (p, l) in points.iter().flat_map(|p| p.lines.iter().map(move |l| (p, l))) {
        let row = |name: &str, seconds: &Sampled, ratio: String| {
            vec![title(p), l.routine.to_owned(), name.to_owned(), spread(seconds), ratio]
        };
        rows.push(row(l.program, &l.seconds, "1".into()));
        for r in [&l.control].into_iter().chain(&l.rivals) {
            let [low, high] = r.ratio.quartiles;
            let ratio = format!("{:.2} ({low:.2} to {high:.2})", r.ratio.median);
            rows.push(row(&r.name, &r.seconds, ratio));
        }
    }
    Sheet {
        title: "Rivals, by turns in every round".into(),
        header: vec!["samples", "routine", "contender", "time (quartiles)", "ratio (quartiles)"],
        rows,
        note: "Ratio: its time over that of the first of its group, round by round; above 1 the \
               first is faster. \"Again\" is the first once more: what lies within its spread is no \
               difference. Unfused: the same ops, one pass each. By hand: pad, rows, transpose, \
               columns, x H, and back, without leaving out lines of zeros."
            .into(),
    }
}

/// Nodes of one kind as one row, the costly first.
fn kernels(p: &Point, line: &Line) -> Sheet {
    let mut kinds: Vec<(&str, Vec<&Kernel>)> = Vec::new();
    for k in &line.kernels {
        match kinds.iter_mut().find(|(kind, _)| *kind == k.work.kind) {
            Some((_, same)) => same.push(k),
            None => kinds.push((k.work.kind, vec![k])),
        }
    }
    let seconds = |ks: &[&Kernel]| ks.iter().map(|k| k.seconds.median).sum::<f64>();
    kinds.sort_by(|a, b| seconds(&b.1).total_cmp(&seconds(&a.1)));
    let whole = line.node_seconds + line.outside_seconds;
    // What takes next to nothing is one row.
    let small = kinds.iter().position(|(_, ks)| seconds(ks) < 0.005 * whole).unwrap_or(kinds.len());
    let rest: Vec<&Kernel> = kinds.split_off(small).into_iter().flat_map(|(_, ks)| ks).collect();
    if !rest.is_empty() {
        kinds.push(("all others", rest));
    }
    let mut rows: Vec<Vec<String>> = kinds
        .iter()
        .map(|(kind, ks)| {
            let took = seconds(ks).max(f64::MIN_POSITIVE);
            let sum = |f: fn(&Kernel) -> f64| ks.iter().map(|k| f(k)).sum::<f64>();
            let known = ks.iter().all(|k| k.limited_by.is_some());
            let costliest = ks.iter().max_by(|a, b| a.seconds.median.total_cmp(&b.seconds.median));
            vec![
                (*kind).to_owned(),
                ks.iter().map(|k| k.launches).sum::<usize>().to_string(),
                time(took),
                format!("{:.1} %", 100.0 * took / whole),
                format!("{:.1}", sum(|k| k.work.flops) / took * 1e-9),
                format!("{:.1}", sum(|k| k.work.bytes) / took * 1e-9),
                share(known.then(|| sum(|k| k.least) / took)),
                costliest.map_or_else(|| "-".into(), |k| bound(k)),
            ]
        })
        .collect();
    let mut last = vec!["outside the kernels".into(), "-".into(), time(line.outside_seconds)];
    last.push(format!("{:.1} %", 100.0 * outside(line)));
    last.extend(["-", "-", "-", "overhead"].map(String::from));
    rows.push(last);
    Sheet {
        title: format!("Kernels: {}, {} ({})", line.routine, title(p), line.program),
        header: vec![
            "kernel",
            "launches",
            "time",
            "of the step",
            "GFLOP/s",
            "GB/s",
            "roofline",
            "limited by",
        ],
        rows,
        note: String::new(),
    }
}

fn bound(k: &Kernel) -> String {
    match (k.limited_by, &k.level) {
        (Some(Limit::Memory), Some(level)) if level != MEMORY => format!("memory ({level})"),
        (Some(limit), _) => limit_name(limit).into(),
        (None, _) => "-".into(),
    }
}

fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Memory => "memory",
        Limit::Compute => "compute",
        Limit::Overhead => "overhead",
    }
}

/// The limit and its part of the time.
fn limits(l: &Line) -> String {
    let (Some(limit), Some(Parts { memory, compute, overhead })) = (l.limited_by, l.parts) else {
        return "-".into();
    };
    let part = match limit {
        Limit::Memory => memory,
        Limit::Compute => compute,
        Limit::Overhead => overhead,
    };
    format!("{} ({:.0} %)", limit_name(limit), 100.0 * part)
}

fn axis(a: &Axis) -> Sheet {
    // Where the centre was refused, the last that was not.
    let centre = super::scaling::CENTRE[a.along as usize];
    let middle = a.rows.iter().find(|r| r.value == centre).or(a.rows.last());
    let against = |value: usize, time: f64, middle: Option<(usize, f64)>| {
        middle.map_or("-".into(), |(v, t)| {
            let expected = t * a.along.work(value) / a.along.work(v);
            format!("{:.2}", time / expected)
        })
    };
    let rows = a.rows.iter().map(|r| {
        vec![
            r.value.to_string(),
            spread(&r.train),
            against(r.value, r.train.median, middle.map(|m| (m.value, m.train.median))),
            spread(&r.infer),
            against(r.value, r.infer.median, middle.map(|m| (m.value, m.infer.median))),
        ]
    });
    let [size, batch, depth] = super::scaling::CENTRE;
    let scaled = middle.map_or_else(String::new, |m| {
        format!(" Over the law: time over {} scaled from {}.", a.law, m.value)
    });
    let fitted = match (a.train_exponent, a.infer_exponent) {
        (Some(train), Some(infer)) => format!(
            " Fitted: training grows as ({})^{train:.2}, inference as ({})^{infer:.2}.",
            a.law, a.law
        ),
        _ => String::new(),
    };
    Sheet {
        title: format!("Cost along {}", a.along.name()),
        header: vec![
            a.along.name(),
            "training step (quartiles)",
            "over the law",
            "inference (quartiles)",
            "over the law",
        ],
        rows: rows.collect(),
        note: format!(
            "Seconds of one batch, the other two of N = {size}, batch = {batch}, depth = {depth}.\
             {scaled}{fitted}"
        ),
    }
}

pub(super) fn share(s: Option<f64>) -> String {
    s.map_or("-".into(), |s| format!("{:.0} %", 100.0 * s))
}

/// Three digits and a unit.
fn time(seconds: f64) -> String {
    let (value, unit) = scaled(seconds);
    format!("{} {unit}", digits(value))
}

pub(super) fn spread(s: &Sampled) -> String {
    let (value, unit) = scaled(s.median);
    let per = value / s.median;
    let [low, high] = s.quartiles.map(|q| digits(q * per));
    format!("{} {unit} ({low} to {high})", digits(value))
}

fn scaled(seconds: f64) -> (f64, &'static str) {
    if seconds >= 1.0 {
        (seconds, "s")
    } else if seconds >= 1e-3 {
        (seconds * 1e3, "ms")
    } else {
        (seconds * 1e6, "µs")
    }
}

fn digits(value: f64) -> String {
    let places = if value >= 100.0 { 0 } else { usize::from(value < 10.0) + 1 };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        assert_eq!(time(1.2345), "1.23 s");
        assert_eq!(time(0.0278), "27.8 ms");
        assert_eq!(time(123.4e-6), "123 µs");
        let s = Sampled::of(vec![0.001, 0.002, 0.003]);
        assert_eq!(spread(&s), "2.00 ms (1.50 to 2.50)");
    }

    /// A note names the row that the others are held against, and fits nothing to one row.
    #[test]
    fn notes_tell_what_was_used() {
        use super::super::scaling::{Along, Row};
        let row = |value| {
            let [train, infer] = [2.0, 1.0].map(|s| Sampled::of(vec![s * value as f64]));
            Row { value, train, infer }
        };
        let note = |rows: Vec<Row>, exponent| {
            let (along, law) = (Along::Batch, Along::Batch.law());
            let refused = Vec::new();
            let [train_exponent, infer_exponent] = [exponent; 2];
            axis(&Axis { along, law, rows, train_exponent, infer_exponent, refused }).note
        };
        let whole = note(vec![row(8), row(32), row(64)], Some(1.0));
        assert!(whole.contains("batch scaled from 32.") && whole.ends_with("^1.00."), "{whole}");
        let cut = note(vec![row(1), row(8)], Some(1.0));
        assert!(cut.contains("batch scaled from 8."), "{cut}");
        let one = note(vec![row(4)], None);
        assert!(one.ends_with("batch scaled from 4."), "{one}");
        assert!(note(Vec::new(), None).ends_with("depth = 5."));
    }
}
