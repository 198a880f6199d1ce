//! The charts of a `bench.json`: how fast products of matrices are, and the roofline, what each kernel reached over the flops that it makes of a byte,
//! under the device's own measured peaks (Williams 2009, Commun. ACM 52, 65).

use serde::Deserialize;
use serde_json::Value;

use super::chart::{Chart, Kind, Line, Plot};

/// What a chart needs of the file; GB/s and Gflop/s.
#[derive(Deserialize)]
struct Bench {
    peaks: Peaks,
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Peaks {
    copy: Vec<Copy>,
    fma: Rate,
    fma_and_sums: Option<Threads>,
}

#[derive(Deserialize)]
struct Threads {
    all: Rate,
}

#[derive(Deserialize)]
struct Copy {
    name: String,
    all: Rate,
}

#[derive(Deserialize)]
struct Rate {
    best: f64,
}

#[derive(Deserialize)]
struct Point {
    samples: [usize; 2],
    batch: usize,
    lines: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    routine: String,
    kernels: Vec<Kernel>,
}

#[derive(Deserialize)]
struct Kernel {
    op: String,
    output: String,
    flops: f64,
    bytes: f64,
    gflop_s: f64,
}

/// Those that the file has numbers for.
pub fn charts(bench: &Value) -> Vec<Chart> {
    roofline(bench).into_iter().chain(products(bench)).collect()
}

/// One size and batch of the second half.
#[derive(Deserialize)]
struct Product {
    n: f64,
    batch: usize,
    contenders: Vec<Contender>,
}

#[derive(Deserialize)]
struct Contender {
    name: String,
    gflop_s: f64,
}

/// Products of matrices over N, a chart for the smallest and one for the largest batch.
fn products(bench: &Value) -> Vec<Chart> {
    let products = bench.get("digital").and_then(|d| d.get("products"));
    let Some(Ok(all)) = products.map(Vec::<Product>::deserialize) else { return Vec::new() };
    let mut batches: Vec<usize> = all.iter().map(|p| p.batch).collect();
    batches.sort_unstable();
    let mut ends: Vec<usize> = batches.first().into_iter().chain(batches.last()).copied().collect();
    ends.dedup();
    let chart = |batch: usize| {
        let mut lines: Vec<Line> = Vec::new();
        for p in all.iter().filter(|p| p.batch == batch) {
            for c in &p.contenders {
                let point = [p.n, c.gflop_s];
                match lines.iter_mut().find(|l| l.name == c.name) {
                    Some(line) => line.points.push(point),
                    None => lines.push(Line {
                        name: c.name.clone(),
                        colour: lines.len(),
                        points: vec![point],
                        kind: Kind::Both,
                    }),
                }
            }
        }
        let title = &format!("Gflop/s of N x N by N x {batch}");
        let within = [f64::NEG_INFINITY, f64::INFINITY];
        let (along, levels) = ("N", vec![]);
        Plot { title, along, counted: false, lines, levels, within, is_log: true }.chart()
    };
    ends.into_iter().map(chart).collect()
}

/// None where the file has no peaks or no kernels.
fn roofline(bench: &Value) -> Option<Chart> {
    let Bench { peaks, points } = Bench::deserialize(bench).ok()?;
    let mut lines = Vec::new();
    for point in &points {
        for measured in point.lines.iter().filter(|l| !l.kernels.is_empty()) {
            let counted = || measured.kernels.iter().filter(|k| k.flops > 0.0 && k.bytes > 0.0);
            let [ny, nx] = point.samples;
            lines.push(Line {
                name: format!("{}, {ny} × {nx}, batch {}", measured.routine, point.batch),
                colour: lines.len(),
                points: counted().map(|k| [k.flops / k.bytes, k.gflop_s]).collect(),
                kind: Kind::Dots(counted().map(|k| format!("{} ({})", k.op, k.output)).collect()),
            });
        }
    }
    let of_dots = lines.iter().flat_map(|l| &l.points).map(|p| p[0]);
    let [low, high] =
        of_dots.fold([f64::INFINITY, 0.0], |[l, h]: [f64; 2], v| [l.min(v), h.max(v)]);
    if low > high {
        return None;
    }
    let top = peaks.fma_and_sums.iter().map(|t| t.all.best).fold(peaks.fma.best, f64::max);
    let slowest = peaks.copy.iter().map(|c| c.all.best).fold(f64::INFINITY, f64::min);
    // Far enough to the right that every roof is flat there.
    let end = high.max(2.0 * top / slowest);
    for copy in &peaks.copy {
        let rate = copy.all.best;
        let bend = top / rate;
        let roof = |x: f64| [x, (x * rate).min(top)];
        lines.push(Line {
            name: format!("roof, {}", copy.name),
            colour: 7 - lines.len() % 4,
            points: [0.7 * low, bend.max(0.7 * low), end].map(roof).into(),
            kind: Kind::Line,
        });
    }
    let within = [f64::NEG_INFINITY, f64::INFINITY];
    let (title, along) = ("Gflop/s of each kernel, under its roof", "flops a byte");
    Some(Plot { title, along, counted: false, lines, levels: vec![], within, is_log: true }.chart())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The bend of a roof of 10 GB/s and 100 Gflop/s lies at 10 flops a byte.
    #[test]
    fn kernels_lie_below_their_roof() {
        let kernel = |flops: f64, gflop_s: f64| json!({ "op": "hop", "output": "y", "flops": flops, "bytes": 1.0, "gflop_s": gflop_s });
        let bench = json!({
            "peaks": { "copy": [{ "name": "memory", "all": { "best": 10.0 } }], "fma": { "best": 100.0 } },
            "points": [{ "samples": [64, 64], "batch": 32, "lines": [
                { "routine": "train", "kernels": [kernel(1.0, 8.0), kernel(20.0, 50.0)] },
            ] }],
        });
        let drawn =
            |bench: &Value| serde_json::to_value(roofline(bench).expect("a chart")).expect("JSON");
        let chart = drawn(&bench);
        let dots = chart["lines"][0]["dots"].as_array().expect("dots");
        assert_eq!(dots.len(), 2);
        assert!(dots[0]["text"].as_str().is_some_and(|t| t.contains("hop (y)")), "{dots:?}");
        assert_eq!(chart["lines"][0]["path"], "");
        let path = chart["lines"][1]["path"].as_str().expect("a roof");
        assert_eq!(path.matches(['M', 'L']).count(), 3);
        // With sums beside the multiply-adds the roof lies higher.
        let mut mixed = bench.clone();
        mixed["peaks"]["fma_and_sums"] = json!({ "one_thread": {}, "all": { "best": 150.0 } });
        assert_ne!(drawn(&mixed)["lines"][1]["path"], path);
        mixed["peaks"]["fma_and_sums"]["all"]["best"] = json!(90.0);
        assert_eq!(drawn(&mixed)["lines"][1]["path"], path);
        assert!(charts(&json!({ "points": [] })).is_empty());
    }

    /// A line for each contender, a chart for the first and the last batch.
    #[test]
    fn products_lie_over_their_size() {
        let product = |n: usize, batch: usize, rate: f64| {
            json!({ "n": n, "batch": batch, "contenders": [
            { "name": "CPU", "gflop_s": rate }, { "name": "GPU", "gflop_s": 10.0 * rate }] })
        };
        let all =
            [product(64, 1, 1.0), product(64, 8, 2.0), product(64, 64, 4.0), product(256, 64, 9.0)];
        let charts = charts(&json!({ "digital": { "products": all } }));
        let charts = serde_json::to_value(&charts).expect("JSON");
        assert_eq!(charts[0]["title"], "Gflop/s of N x N by N x 1");
        assert_eq!(charts[1]["title"], "Gflop/s of N x N by N x 64");
        assert_eq!(charts[1]["lines"].as_array().expect("lines").len(), 2);
        assert_eq!(charts[1]["lines"][1]["dots"][1]["text"], "GPU: 90 at N 256");
        assert!(charts[2].is_null());
    }
}
