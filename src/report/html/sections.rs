//! The tables that a reader looks for first in `compare.json` and `energy.json`: the ledger of the
//! methods, and one inference. All else of the files follows them as [`super::tables`] reads it.

use serde::Deserialize;
use serde_json::Value;

use super::ranges::Spread;
use super::run::Part;
use super::tables::{Block, Cell};
use crate::energy::answer::OfMacs;
use crate::energy::training::{Failed, missing, over_devices, without_figures};
use crate::energy::unit::engineering;
use crate::report::compare::{self, Row};
use crate::report::energy;

/// Of a `compare.json`: the methods with what they reached and what they asked for, and their
/// gradients layer by layer. None where it is none.
pub fn of_compare(value: &Value) -> Option<Vec<Part>> {
    let rows: Vec<Row> = Deserialize::deserialize(value.get("rows")?).ok()?;
    let ledger = table(
        &compare::header(&rows),
        rows.iter().map(|row| compare::cells(row, &rows)),
        "Means over the devices whose training ended, with 95 % intervals (Student's t). Shots: samples \
         sent through the device; settings: times that its masks or phases were loaded; fields: complex \
         fields measured or sent in by a port without noise, four shots each, which count among them; \
         GMAC: what the computer beside it did. Cosine and length of the gradient against the device's \
         own.",
    );
    let layers = rows.iter().flat_map(compare::layer_cells);
    let layers = table(&compare::layer_header(&rows), layers, "");
    let mut all = vec![Part { title: String::new(), blocks: vec![ledger] }];
    if !layers.rows.is_empty() {
        all.push(Part { title: "gradients, layer by layer".into(), blocks: vec![layers] });
    }
    Some(all)
}

#[derive(Deserialize)]
struct Energy {
    machines: Vec<Machine>,
}

#[derive(Deserialize)]
struct Machine {
    name: String,
    what: String,
    note: String,
    #[serde(default)]
    rank_note: String,
    results: Vec<AtBits>,
}

#[derive(Deserialize)]
struct AtBits {
    bits: f64,
    wall: Spread,
    optics: Spread,
    wall_per_mac: Spread,
    optics_per_mac: Spread,
    confidence: String,
    accuracy: Option<Accuracy>,
    latency: Latency,
    useful: Option<OfMacs>,
    #[serde(default)]
    equal: Vec<Equal>,
    #[serde(default)]
    ledger: Vec<Priced>,
}

#[derive(Deserialize)]
struct Accuracy {
    accuracy: f64,
    interval: [f64; 2],
}

/// A network that was trained for the task.
#[derive(Deserialize)]
struct Equal {
    network: String,
    macs: f64,
    accuracy: Option<f64>,
    as_good_as: Option<f64>,
    is_as_good: Option<bool>,
}

#[derive(Deserialize)]
struct Latency {
    single_shot: Spread,
    rate: Spread,
}

#[derive(Deserialize)]
struct Priced {
    system: String,
    method: String,
    devices: usize,
    failed: Option<Failed>,
    accuracy_in_compare: f64,
    interval_in_compare: Option<[f64; 2]>,
    shots: f64,
    reconfigurations: f64,
    fields: f64,
    digital_macs: f64,
    refused: Option<String>,
    seconds: Option<Spread>,
    joules: Option<Spread>,
}

/// Of an `energy.json`: one inference of every machine, and each ledger as time and energy. None
/// where it is none.
pub fn of_energy(value: &Value) -> Option<Vec<Part>> {
    let Energy { machines } = Deserialize::deserialize(value).ok()?;
    let rows = machines.iter().flat_map(|m| m.results.iter().map(|r| inference(m, r)));
    let of = |m: &Machine| format!("{}: {}; {}.", m.name, m.what, m.note);
    let note = machines.iter().map(of).collect::<Vec<_>>().join(" ");
    let header = [
        "machine",
        "bits",
        "accuracy",
        "at the plug",
        "optics alone",
        "a MAC, plug",
        "a MAC, optics",
        "single shot",
        "pipelined",
        "least known",
    ];
    let one = Block { title: "One inference".into(), level: 3, ..table(&header, rows, &note) };
    let mut blocks = vec![one];
    blocks.extend(useful_of(&machines));
    blocks.extend(equals_of(&machines));
    for m in &machines {
        let Some(r) = m.results.first().filter(|r| !r.ledger.is_empty()) else { continue };
        let header = [
            "counted on",
            "method",
            "accuracy there",
            "exposures",
            "loads",
            "fields",
            "digital MACs",
            "time",
            "energy",
        ];
        let note = "Counts of lightloom compare, all steps of one device. The accuracy is a mean over \
                    its devices with its 95 % interval (Student's t), and with the noise of their \
                    experiment: not with that of the light which is \
                    paid for here. Phases, panels and control take their power while loads and, of a \
                    method that sends light, the computer are waited for. Every shot pays for \
                    the front end as a sample does.";
        let of = |p: &Priced| {
            missing([&p.system, &p.method], p.devices, p.failed.as_ref()).map(|m| format!(" {m}"))
        };
        let note = note.to_owned() + &r.ledger.iter().filter_map(of).collect::<String>();
        let title = format!("{}: training as it was counted, at {} bits", m.name, r.bits);
        let rows = r.ledger.iter().map(priced);
        blocks.push(Block { title, level: 3, ..table(&header, rows, &note) });
    }
    Some(vec![Part { title: String::new(), blocks }])
}

/// What stacks compute, beside the modes that fit its regions and what papers count.
fn useful_of(machines: &[Machine]) -> Option<Block> {
    let of = machines.iter().flat_map(|m| m.results.iter().map(move |r| (m, r)));
    let row = |(m, r): (&Machine, &AtBits)| {
        let start = [m.name.clone(), r.bits.to_string()].into_iter();
        Some(start.chain(energy::useful(r.useful.as_ref()?)).chain([m.rank_note.clone()]).collect())
    };
    let rows: Vec<Vec<String>> = of.filter_map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let header = [&["machine", "bits"][..], &energy::USEFUL, &["known of it"]].concat();
    let note = "A region reads one quadratic form of the inputs: inputs x rank complex MACs of real \
                inputs. Rank: eigenvectors whose light, were an input of the data's mean power \
                wholly along one, exceeds the noise of its region at these bits.";
    let title = "Useful MACs of a diffractive stack".into();
    Some(Block { title, level: 3, ..table(&header, rows.into_iter(), note) })
}

/// Digital networks that were trained for a machine's task, and whether one is as good.
fn equals_of(machines: &[Machine]) -> Option<Block> {
    let of = |m: &Machine, r: &AtBits, e: &Equal| {
        let percent = |a: f64| format!("{:.2} %", 100.0 * a);
        let [own, wanted] = [percent(e.accuracy?), percent(e.as_good_as?)];
        let good = if e.is_as_good? { "yes" } else { "none tried is as good" };
        let bits = r.bits.to_string();
        Some(vec![
            m.name.clone(),
            bits,
            wanted,
            e.network.clone(),
            energy::count(e.macs),
            own,
            good.into(),
        ])
    };
    let of = &of;
    let results = machines.iter().flat_map(|m| m.results.iter().map(move |r| (m, r)));
    let rows: Vec<Vec<String>> =
        results.flat_map(|(m, r)| r.equal.iter().filter_map(move |e| of(m, r, e))).collect();
    if rows.is_empty() {
        return None;
    }
    let header =
        ["machine", "bits", "accuracy of the light", "network", "MACs", "its accuracy", "as good"];
    let note = "The smallest digital network tried whose validation accuracy is that of the light at the \
                same bits; both accuracies here are of the test set.";
    let title = "Digital networks of equal accuracy".into();
    Some(Block { title, level: 3, ..table(&header, rows.into_iter(), note) })
}

fn inference(m: &Machine, r: &AtBits) -> Vec<String> {
    let accuracy = r.accuracy.as_ref().map_or("–".into(), |a| {
        let [own, low, high] = [a.accuracy, a.interval[0], a.interval[1]].map(|v| 100.0 * v);
        format!("{own:.2} % ({low:.2} to {high:.2})")
    });
    let spread = |s: &Spread, unit: &str| spread(s, |v| engineering(v, unit));
    vec![
        m.name.clone(),
        r.bits.to_string(),
        accuracy,
        spread(&r.wall, "J"),
        engineering(r.optics.typical, "J"),
        spread(&r.wall_per_mac, "J"),
        engineering(r.optics_per_mac.typical, "J"),
        spread(&r.latency.single_shot, "s"),
        engineering(r.latency.rate.typical, "/s"),
        r.confidence.clone(),
    ]
}

fn priced(p: &Priced) -> Vec<String> {
    let start = [p.system.clone(), p.method.clone()];
    if let Some(why) = &p.refused {
        let why = without_figures(why, p.failed.as_ref());
        let rest = [why].into_iter().chain(vec![String::new(); 6]);
        return start.into_iter().chain(rest).collect();
    }
    let counts = [p.shots, p.reconfigurations, p.fields, p.digital_macs].map(energy::count);
    let cost = match (&p.seconds, &p.joules) {
        (Some(s), Some(j)) => {
            [spread(s, |v| engineering(v, "s")), spread(j, |v| engineering(v, "J"))]
        }
        _ => ["–".into(), "its masks are printed".into()],
    };
    let accuracy =
        over_devices(p.accuracy_in_compare, p.interval_in_compare, p.devices, p.failed.as_ref());
    start.into_iter().chain([accuracy]).chain(counts).chain(cost).collect()
}

fn spread(s: &Spread, of: impl Fn(f64) -> String) -> String {
    if s.p5 == s.p95 {
        return of(s.typical);
    }
    format!("{} ({} to {})", of(s.typical), of(s.p5), of(s.p95))
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>, note: &str) -> Block {
    Block {
        note: note.to_owned(),
        columns: header.iter().map(|h| (*h).to_owned()).collect(),
        rows: rows.map(|row| row.into_iter().map(Cell::text).collect()).collect(),
        ..Block::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is no comparison and no answer is left to the reader of any JSON.
    #[test]
    fn other_files_are_not_read() {
        assert!(of_compare(&json!({ "rows": [{ "n": 64 }] })).is_none());
        assert!(of_compare(&json!({})).is_none());
        assert!(of_energy(&json!({ "rows": [] })).is_none());
    }

    /// A stack's rank beside what fits and what papers count; a chip has no such row.
    #[test]
    fn useful_macs_have_their_table() {
        let range = json!({ "typical": 1.0, "p5": 1.0, "p95": 1.0 });
        let machine = |name: &str, useful: Value| {
            json!({ "name": name, "what": "", "note": "", "rank_note": "rank as trained", "results": [{
                "bits": 8.0, "wall": range, "optics": range, "wall_per_mac": range,
                "optics_per_mac": range, "confidence": "assumed", "useful": useful,
                "latency": { "single_shot": range, "rate": range },
            }] })
        };
        let numerical = json!({ "inputs": 484, "ranks": [9, 11], "mean_rank": 10.0, "complex_macs": 9680.0,
                "macs": 19400.0 });
        let useful = json!({ "numerical": numerical, "geometric_rank": 6,
            "geometric_complex_macs": 5808.0, "connections": 2e6 });
        let titles = |machines: Value| -> Vec<String> {
            let parts = of_energy(&json!({ "machines": machines })).expect("an answer");
            parts[0].blocks.iter().map(|b| b.title.clone()).collect()
        };
        assert_eq!(titles(json!([machine("chip", Value::Null)])).len(), 1);
        assert!(titles(json!([machine("stack", useful.clone())]))[1].contains("Useful MACs"));
        let stack: Machine = Deserialize::deserialize(&machine("stack", useful)).expect("one");
        let block = useful_of(&[stack]).expect("a table");
        assert_eq!((block.rows.len(), block.rows[0].len(), block.columns.len()), (1, 9, 9));
    }

    #[test]
    fn refusals_and_printed_masks_are_said() {
        let row = |more: Value| -> Vec<String> {
            let mut all = json!({
                "system": "a", "method": "fa", "devices": 1, "accuracy_in_compare": 0.5, "shots": 2e6,
                "reconfigurations": 3.0, "fields": 0.0, "digital_macs": 1e9,
            });
            let map = all.as_object_mut().expect("an object");
            map.extend(more.as_object().expect("an object").clone());
            priced(&Deserialize::deserialize(&all).expect("a row"))
        };
        let refused = row(json!({ "refused": "no layers" }));
        assert_eq!((refused.len(), &refused[2][..]), (9, "does not suit: no layers"));
        let broken = json!({ "refused": "failed on its device: no rise",
            "failed": { "devices": 1, "why": "no rise" } });
        assert_eq!(row(broken)[2], "failed on its device: no rise");
        let printed = row(json!({}));
        assert_eq!((printed.len(), &printed[8][..]), (9, "its masks are printed"));
        assert_eq!(printed[2], "50.0 %, one device");
        let failed = row(json!({ "failed": { "devices": 1, "why": "no rise" } }));
        assert_eq!(failed[2], "50.0 %, 1 of 2 devices");
        let paid = row(json!({
            "devices": 3, "interval_in_compare": [0.48, 0.52],
            "seconds": { "typical": 2.0, "p5": 1.0, "p95": 4.0 },
            "joules": { "typical": 5.0, "p5": 5.0, "p95": 5.0 },
        }));
        assert_eq!(paid[2], "50.0 % ± 2.0, 3 devices");
        assert_eq!(
            &paid[3..],
            ["2.00 M", "3", "0", "1.00 G", "2.00 s (1.00 s to 4.00 s)", "5.00 J"]
        );
    }

    /// A network that misses the accuracy of the light is said to, and why devices are missing stands
    /// below their table.
    #[test]
    fn what_was_not_reached_is_said() {
        let range = json!({ "typical": 1.0, "p5": 1.0, "p95": 1.0 });
        let equal = |good: bool| {
            json!({ "network": "9-16-11", "macs": 320.0, "accuracy": 0.4, "as_good_as": 0.5,
                "is_as_good": good })
        };
        let ledger = json!([{
            "system": "a", "method": "spsa", "devices": 1, "accuracy_in_compare": 0.5, "shots": 2e6,
            "reconfigurations": 3.0, "fields": 0.0, "digital_macs": 1e9,
            "failed": { "devices": 1, "why": "no rise" },
        }]);
        let known = json!({ "network": "784-10", "macs": 7840.0 });
        let answer = json!({ "machines": [{ "name": "chip", "what": "", "note": "", "results": [{
            "bits": 8.0, "wall": range, "optics": range, "wall_per_mac": range,
            "optics_per_mac": range, "confidence": "assumed",
            "equal": [equal(true), equal(false), known], "ledger": ledger,
            "latency": { "single_shot": range, "rate": range },
        }] }] });
        let parts = of_energy(&answer).expect("an answer");
        let [_, equals, counted] = &parts[0].blocks[..] else { panic!("three tables") };
        let last = |row: &Vec<Cell>| row.last().map(|c| c.text.clone()).unwrap_or_default();
        let said: Vec<String> = equals.rows.iter().map(last).collect();
        assert_eq!(said, ["yes", "none tried is as good"]);
        assert!(
            counted.note.ends_with("a, spsa: 1 of 2 devices failed: no rise."),
            "{}",
            counted.note
        );
    }
}
