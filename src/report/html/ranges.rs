//! The charts of an `energy.json`: joules, seconds and sizes as ranges beside each other on an axis
//! of logarithms, each with the figures that it rests on and their sources behind it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::energy::unit::engineering;

/// What charts need of the file.
#[derive(Deserialize)]
struct Energy {
    machines: Vec<Machine>,
    baselines: Vec<Baselines>,
    figures: Vec<Figure>,
}

#[derive(Deserialize)]
struct Machine {
    name: String,
    results: Vec<AtBits>,
}

#[derive(Deserialize)]
struct AtBits {
    bits: f64,
    wall_per_mac: Spread,
    optics_per_mac: Spread,
    confidence: String,
    terms: Vec<Term>,
    latency: Latency,
    break_even: Vec<BreakEven>,
}

/// A number at the typical figures, and 5 and 95 % of the draws.
#[derive(Deserialize, Clone, Copy)]
pub struct Spread {
    pub typical: f64,
    pub p5: f64,
    pub p95: f64,
}

#[derive(Deserialize)]
struct Term {
    name: String,
    wall: Spread,
    share: f64,
    confidence: String,
    figures: Vec<String>,
}

#[derive(Deserialize)]
struct Latency {
    single_shot: Spread,
    delays: Vec<Delay>,
}

#[derive(Deserialize)]
struct Delay {
    name: String,
    seconds: f64,
    confidence: String,
    figures: Vec<String>,
}

#[derive(Deserialize)]
struct BreakEven {
    baseline: String,
    arithmetic: String,
    factor: f64,
    typical: Option<[f64; 2]>,
    exists: f64,
}

#[derive(Deserialize)]
struct Baselines {
    bits: f64,
    baselines: Vec<Baseline>,
}

#[derive(Deserialize)]
struct Baseline {
    name: String,
    arithmetic: String,
    joules_per_mac: Spread,
    confidence: String,
    figures: Vec<String>,
}

#[derive(Deserialize)]
struct Figure {
    key: String,
    low: f64,
    typical: f64,
    high: f64,
    unit: String,
    source: String,
    confidence: String,
}

/// Rows on a common axis.
#[derive(Debug, Serialize)]
pub struct Ranges {
    title: String,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
    /// What is not drawn.
    note: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    /// Hundredths of the axis.
    at: f64,
    label: String,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    colour: usize,
    /// Low, typical and high in hundredths of the axis; none where there is nothing to draw.
    at: Option<[f64; 3]>,
    /// The middle is marked.
    has_mark: bool,
    text: String,
    /// What stands behind it.
    hint: String,
}

/// A row before the axis is known.
struct Wanted {
    name: String,
    colour: usize,
    range: Option<[f64; 3]>,
    has_mark: bool,
    text: String,
    hint: String,
}

/// Colours of optics at the plug, of optics alone and of digital machines.
const PLUG: usize = 0;
const OPTICS: usize = 4;
const DIGITAL: usize = 1;

/// None of them where the file is no answer of `energy`.
pub fn charts(value: &Value) -> Vec<Ranges> {
    let Ok(energy) = Energy::deserialize(value) else { return Vec::new() };
    let sources = Sources::of(&energy.figures);
    let mut all = Vec::new();
    for (i, b) in energy.baselines.iter().enumerate() {
        let of = energy.machines.iter().filter_map(|m| Some((m, m.results.get(i)?)));
        let light = of.flat_map(|(m, r)| {
            let most = r.terms.iter().max_by(|a, b| a.share.total_cmp(&b.share));
            let most = most.map_or(String::new(), |t| {
                format!("; most of it {} ({:.0} %)", t.name, 100.0 * t.share)
            });
            let hint = format!("rests at the least on figures that are {}{most}", r.confidence);
            let row = |what, colour, s: Spread| {
                joules(format!("{}, {what}", m.name), colour, s, hint.clone())
            };
            [
                row("at the plug", PLUG, r.wall_per_mac),
                row("its optics alone", OPTICS, r.optics_per_mac),
            ]
        });
        let digital = b.baselines.iter().map(|one| {
            let name = format!("{}, {}", one.name, one.arithmetic);
            let hint = sources.behind(&one.confidence, &one.figures);
            joules(name, DIGITAL, one.joules_per_mac, hint)
        });
        let rows = light.chain(digital).collect();
        all.push(on_axis(format!("Energy of a MAC at {} bits", b.bits), rows, "J"));
    }
    for m in &energy.machines {
        all.push(on_axis(format!("{}: where the joules go", m.name), parts(m, &sources), "J"));
        all.push(on_axis(format!("{}: where the time goes", m.name), times(m, &sources), "s"));
        let title = format!("{}: N x N where light wins", m.name);
        all.push(Ranges { note: never(m), ..on_axis(title, sizes(m), "") });
    }
    all
}

fn joules(name: String, colour: usize, s: Spread, hint: String) -> Wanted {
    let (range, text) = (Some([s.p5, s.typical, s.p95]), engineering(s.typical, "J"));
    Wanted { name, colour, range, has_mark: true, text, hint }
}

fn parts(m: &Machine, sources: &Sources) -> Vec<Wanted> {
    let row = |r: &AtBits, colour: usize, t: &Term| {
        let name = format!("{}, {} bits", t.name, r.bits);
        let hint = sources.behind(&t.confidence, &t.figures);
        let text = format!("{}, {:.0} %", engineering(t.wall.typical, "J"), 100.0 * t.share);
        Wanted { text, ..joules(name, colour, t.wall, hint) }
    };
    let terms = m.results.first().map_or(0, |r| r.terms.len());
    let of_term = |i: usize| {
        let at = m.results.iter().enumerate();
        at.filter_map(move |(colour, r)| Some(row(r, colour, r.terms.get(i)?))).collect::<Vec<_>>()
    };
    (0..terms).flat_map(of_term).collect()
}

fn times(m: &Machine, sources: &Sources) -> Vec<Wanted> {
    let Some(first) = m.results.first() else { return Vec::new() };
    let delays = first.latency.delays.iter().map(|d| Wanted {
        name: d.name.clone(),
        colour: PLUG,
        range: Some([d.seconds; 3]),
        has_mark: true,
        text: engineering(d.seconds, "s"),
        hint: sources.behind(&d.confidence, &d.figures),
    });
    let s = first.latency.single_shot;
    let whole = Wanted {
        name: format!("from data to answer, {} bits", first.bits),
        colour: 2,
        range: Some([s.p5, s.typical, s.p95]),
        has_mark: true,
        text: engineering(s.typical, "s"),
        hint: "the sum of the parts".into(),
    };
    delays.chain([whole]).collect()
}

/// Baselines that light does not beat at any size, typical figures or draws.
fn never(m: &Machine) -> String {
    let of = |r: &AtBits| {
        let lost = r.break_even.iter().filter(|b| b.factor == 1.0 && b.is_never());
        let names: Vec<String> =
            lost.map(|b| format!("{} ({})", b.baseline, b.arithmetic)).collect();
        (!names.is_empty())
            .then(|| format!("{} bits: never, in any draw, against {}.", r.bits, names.join(", ")))
    };
    m.results.iter().filter_map(of).collect::<Vec<_>>().join(" ")
}

impl BreakEven {
    fn is_never(&self) -> bool {
        self.typical.is_none() && self.exists == 0.0
    }
}

/// Between which sizes light is ahead of each baseline at all.
fn sizes(m: &Machine) -> Vec<Wanted> {
    let row = |r: &AtBits, colour: usize, b: &BreakEven| Wanted {
        name: format!("{}, {}, {} bits", b.baseline, b.arithmetic, r.bits),
        colour,
        range: b.typical.map(|[from, to]| [from, from, to]),
        has_mark: false,
        text: b.typical.map_or("never".into(), |[from, to]| format!("{from} to {to}")),
        hint: format!("in {:.0} % of the draws there is such a size", 100.0 * b.exists),
    };
    let all = m.results.iter().enumerate().flat_map(|(colour, r)| {
        let even = r.break_even.iter().filter(|b| b.factor == 1.0 && !b.is_never());
        even.map(move |b| row(r, colour, b))
    });
    all.collect()
}

/// Places rows on one axis of logarithms, with a tick at powers of ten, or of a thousand where the
/// axis is long.
fn on_axis(title: String, rows: Vec<Wanted>, unit: &str) -> Ranges {
    let drawn = |r: &Wanted| r.range.filter(|r| r.iter().all(|v| v.is_finite() && *v > 0.0));
    let ends = || rows.iter().filter_map(drawn).flatten().map(f64::log10);
    let low = ends().fold(f64::INFINITY, f64::min).floor();
    let high = ends().fold(f64::NEG_INFINITY, f64::max).ceil().max(low + 1.0);
    let place = |v: f64| (1e4 * (v.log10() - low) / (high - low)).round() / 100.0;
    let step = if high - low > 6.0 { 3 } else { 1 };
    let ticks = if low.is_finite() { (low as i32..=high as i32).collect() } else { Vec::new() };
    let ticks = ticks
        .into_iter()
        .filter(|t| t % step == 0)
        .map(|t| Tick { at: place(10f64.powi(t)), label: tick(10f64.powi(t), unit) });
    let ticks = ticks.collect();
    let row = |r: Wanted| Row { at: drawn(&r).map(|r| r.map(place)), ..Row::of(r) };
    let (note, rows) = (String::new(), rows.into_iter().map(row).collect());
    Ranges { title, ticks, rows, note }
}

/// `10 pJ`, `100`.
fn tick(value: f64, unit: &str) -> String {
    if unit.is_empty() {
        return format!("{value:.0}");
    }
    let text = engineering(value, unit);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let number: f64 = number.parse().unwrap_or(value);
    format!("{number} {unit}")
}

impl Row {
    fn of(w: Wanted) -> Self {
        let Wanted { name, colour, has_mark, text, hint, .. } = w;
        Self { name, colour, at: None, has_mark, text, hint }
    }
}

/// Every figure as a line.
struct Sources(HashMap<String, String>);

impl Sources {
    fn of(figures: &[Figure]) -> Self {
        let line = |f: &Figure| {
            let range = if f.low == f.high {
                f.typical.to_string()
            } else {
                format!("{} / {} / {}", f.low, f.typical, f.high)
            };
            let unit = if f.unit == "1" { "" } else { &f.unit };
            let known = format!("{} = {range} {unit}", f.key);
            (f.key.clone(), format!("{} ({}): {}", known.trim_end(), f.confidence, f.source))
        };
        Self(figures.iter().map(line).collect())
    }

    fn behind(&self, confidence: &str, keys: &[String]) -> String {
        let lines = keys.iter().filter_map(|k| self.0.get(k)).map(String::as_str);
        let least = format!("least known: {confidence}");
        lines.chain([&least[..]]).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Places by hand on the decades 1e-12 to 1e-9, and the sources behind a row.
    #[test]
    fn ranges_lie_on_their_axis() {
        let spread = |p5: f64, typical: f64, p95: f64| json!({ "p5": p5, "typical": typical, "p95": p95, "p50": typical });
        let break_even = |name: &str, typical: Value, exists: f64| json!({ "baseline": name, "arithmetic": "f32", "factor": 1.0, "typical": typical, "exists": exists });
        let value = json!({
            "machines": [{ "name": "chip", "results": [{
                "bits": 4.0,
                "wall_per_mac": spread(1e-11, 1e-10, 1e-9),
                "optics_per_mac": spread(0.0, 0.0, 0.0),
                "confidence": "assumed",
                "terms": [{ "name": "DACs", "wall": spread(1e-12, 1e-11, 1e-10), "share": 1.0,
                            "confidence": "secondary", "figures": ["dac.b4"] }],
                "latency": { "single_shot": spread(1e-9, 1e-9, 1e-8), "delays": [
                    { "name": "DAC", "seconds": 1e-9, "confidence": "assumed", "figures": [] }] },
                "break_even": [break_even("A", json!([10, 1000]), 0.5), break_even("B", Value::Null, 0.5),
                                break_even("C", Value::Null, 0.0)],
            }] }],
            "baselines": [{ "bits": 4.0, "baselines": [
                { "name": "card", "arithmetic": "int8", "joules_per_mac": spread(1e-12, 1e-12, 1e-12),
                  "confidence": "verified", "figures": ["dac.b4"] }] }],
            "figures": [{ "key": "dac.b4", "low": 0.5, "typical": 1.5, "high": 3.0, "unit": "pJ",
                          "source": "a book", "confidence": "secondary" }],
        });
        let all = charts(&value);
        let titles: Vec<_> = all.iter().map(|c| &c.title[..]).collect();
        assert_eq!(titles.len(), 4, "{titles:?}");
        let mac = &all[0];
        let at = |i: usize| mac.rows[i].at;
        assert_eq!(at(0), Some([33.33, 66.67, 100.0]));
        assert_eq!(at(1), None, "0 has no logarithm");
        assert_eq!(at(2), Some([0.0; 3]));
        let labels: Vec<_> = mac.ticks.iter().map(|t| &t.label[..]).collect();
        assert_eq!(labels, ["1 pJ", "10 pJ", "100 pJ", "1 nJ"]);
        assert_eq!(
            mac.rows[2].hint,
            "dac.b4 = 0.5 / 1.5 / 3 pJ (secondary): a book\nleast known: verified"
        );
        let sizes = &all[3];
        assert_eq!(
            (&sizes.rows[0].text[..], sizes.rows[0].at),
            ("10 to 1000", Some([0.0, 0.0, 100.0]))
        );
        assert_eq!((&sizes.rows[1].text[..], sizes.rows[1].at), ("never", None));
        assert_eq!(sizes.rows.len(), 2);
        assert_eq!(sizes.note, "4 bits: never, in any draw, against C (f32).");
        assert!(charts(&json!({ "rows": [] })).is_empty());
    }
}
