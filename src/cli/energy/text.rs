//! An answer as tables for a terminal.

use comfy_table::{Table, presets};

use super::costs;
use crate::energy::answer::{Against, Answer, AtBits, OfMachine, Range};
use crate::energy::break_even::BreakEven;
use crate::energy::figure::{Confidence, Figure};
use crate::energy::unit::{engineering, three_digits};
use crate::report::energy::{self, count};

pub fn of(answer: &Answer) -> String {
    let mut text = format!(
        "Does light win? Joules at the plug; in brackets 5 to 95 % of {} draws (seed {}).\n\n",
        answer.draws, answer.seed
    );
    text += &section("One inference", &summary(answer), &beyond(answer));
    text += &section(
        "Digital baselines",
        &baselines(answer),
        "At dense peak and TDP: their best case.",
    );
    for machine in &answer.machines {
        text += &format!("== {}: {}\n{}\n\n", machine.name, machine.what, accuracy_of(machine));
        if let Some(table) = useful(machine) {
            text += &section(
                "Useful MACs",
                &table,
                &format!("{}. {USEFUL}", capital(&machine.rank_note)),
            );
        }
        text += &section("Where the joules go", &parts(machine), &thermal(machine));
        text += &section("Where the time goes", &times(machine), &switching(machine));
        text += &section("Against the digital machines", &advantage(machine), ADVANTAGE);
        text += &sizes(machine);
        text += &walls(machine);
        if let Some(table) = costs::training(machine) {
            text += &section("A training run on the hardware", &table, costs::TRAINING);
        }
        if let Some(table) = costs::ledger(machine) {
            text += &section("Training as it was counted", &table, &costs::ledger_note(machine));
        }
    }
    text += &section("Published totals beside an untuned prediction", &published(answer), "");
    text += "Conventions\n";
    for line in answer.conventions.iter().map(|c| (*c).to_owned()).chain(answer.measured.clone()) {
        text += &format!("  - {line}\n");
    }
    text += "\nFigures that these numbers rest on: low, typical, high; source\n";
    text += &figures(&used(answer));
    text + "\n--set table.key=value changes one, --devices FILE.toml many, --figures lists all, --json has everything"
}

const ADVANTAGE: &str = "Advantage: digital over optical joules at the plug, above 1 light wins; ahead: \
                         share of the draws in which it is 1, 10, 100 times so.\nEqual accuracy: the \
                         advantage over the smallest network tried that is as good as light at the same \
                         bits; if as good: over a network for the task, should light be as good. Scene: \
                         likewise where the input is light already, and the digital machine must read \
                         it first; the same MACs where no network is.";
const USEFUL: &str = "A region reads x^T Re(Q) x of the inputs x: inputs x rank complex MACs of real inputs \
                      each. Rank: eigenvectors of Q whose light, were an input of the data's mean \
                      power wholly along one, exceeds the noise of its region. Modes that \
                      fit: by a region's size and the steepest light; good detectors tell some \
                      more. MACs elsewhere are real: of the rank as trained, otherwise of the modes \
                      that fit.";
const SIZES: &str = "From and to at the typical figures, or never; in brackets 5 to 95 % of the draws \
                     that have one, and how many do. A chip ends at its loss wall. At the top 4096 is the largest looked \
                     at.";

fn section(title: &str, table: &Table, note: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("{note}\n") };
    format!("{title}\n{table}\n{note}\n")
}

pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    table
}

/// `3.5 h (2 h to 8 h)`.
pub(super) fn range(r: &Range, of: fn(f64) -> String) -> String {
    if r.p5 == r.p95 {
        return of(r.typical);
    }
    format!("{} ({} to {})", of(r.typical), of(r.p5), of(r.p95))
}

/// `3.50 pJ (2.00 p to 8.00 p)`.
pub(super) fn spread(r: &Range, unit: &str) -> String {
    if r.p5 == r.p95 {
        return engineering(r.typical, unit);
    }
    let bare = |v: f64| engineering(v, "").trim_end().to_owned();
    format!("{} ({} to {})", engineering(r.typical, unit), bare(r.p5), bare(r.p95))
}

fn times_ahead(r: &Range) -> String {
    let short = |v: f64| {
        if v == 0.0 || (0.01..9999.5).contains(&v) { three_digits(v) } else { format!("{v:.1e}") }
    };
    format!("{} ({} to {})", short(r.typical), short(r.p5), short(r.p95))
}

fn summary(answer: &Answer) -> Table {
    let row = |m: &OfMachine, r: &AtBits| {
        vec![
            m.name.clone(),
            r.bits.to_string(),
            count(r.macs),
            spread(&r.wall, "J"),
            engineering(r.optics.typical, "J"),
            spread(&r.wall_per_mac, "J"),
            engineering(r.optics_per_mac.typical, "J"),
            spread(&r.latency.single_shot, "s"),
            engineering(r.latency.rate.typical, "/s"),
            r.accuracy.map_or("-".into(), |a| {
                let [accuracy, low, high] =
                    [a.accuracy, a.interval[0], a.interval[1]].map(|a| 100.0 * a);
                format!("{accuracy:.2} % ({low:.2} to {high:.2})")
            }),
            r.confidence.name().into(),
        ]
    };
    let rows = answer.machines.iter().flat_map(|m| m.results.iter().map(move |r| row(m, r)));
    table(
        &[
            "machine",
            "bits",
            "MACs",
            "wall plug",
            "optics",
            "a MAC, plug",
            "optics",
            "single shot",
            "pipelined",
            "accuracy",
            "known",
        ],
        rows,
    )
}

/// Chips whose light does not pass all their columns within the link budget, and by how much.
fn beyond(answer: &Answer) -> String {
    let of = |m: &OfMachine| {
        let reach = m.reach.as_ref().filter(|r| r.over_db > 0.0)?;
        Some(format!(
            "{} is beyond its loss wall: {:.0} columns of {:.4} dB and two facets take {:.1} dB, \
             {:.1} dB over the budget of {:.0} dB; at most {:.0} columns pass, {} modes of such a \
             machine. Its joules buy more laser than a link has.",
            m.name,
            reach.columns,
            reach.column_db,
            reach.budget_db + reach.over_db,
            reach.over_db,
            reach.budget_db,
            reach.most_columns.floor(),
            reach.most_modes
        ))
    };
    answer.machines.iter().filter_map(of).collect::<Vec<_>>().join("\n")
}

fn baselines(answer: &Answer) -> Table {
    let rows = answer.baselines.iter().flat_map(|b| {
        b.baselines.iter().map(|one| {
            vec![
                b.bits.to_string(),
                one.name.into(),
                one.arithmetic.into(),
                spread(&one.joules_per_mac, "J"),
                one.macs_per_s.map_or("-".into(), |r| engineering(r, "/s")),
                rests_on(one.confidence, &one.figures),
            ]
        })
    });
    table(&["bits", "baseline", "arithmetic", "a MAC", "MACs at peak", "rests on"], rows)
}

/// What a stack computes at each of the bits.
fn useful(machine: &OfMachine) -> Option<Table> {
    let row = |r: &AtBits| {
        let cells = energy::useful(r.useful.as_ref()?);
        Some([r.bits.to_string()].into_iter().chain(cells).collect())
    };
    let rows: Vec<Vec<String>> = machine.results.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| table(&[&["bits"][..], &energy::USEFUL].concat(), rows))
}

/// `assumed: slm.panel_power, slm.panel_rate`.
fn rests_on(confidence: Confidence, figures: &[String]) -> String {
    if figures.is_empty() {
        return confidence.name().into();
    }
    // Many figures of one table are named by it.
    let shown = if figures.len() > 4 {
        format!("{}, {} more", figures[..3].join(", "), figures.len() - 3)
    } else {
        figures.join(", ")
    };
    format!("{}: {shown}", confidence.name())
}

fn parts(machine: &OfMachine) -> Table {
    let mut header = vec!["part".to_owned()];
    for r in &machine.results {
        header.extend([format!("{} bits", r.bits), "of all".into()]);
    }
    header.push("rests on (least known)".into());
    let first = machine.results.first().map_or(&[][..], |r| &r.terms[..]);
    let mut rows: Vec<(f64, Vec<String>)> = Vec::new();
    for (i, term) in first.iter().enumerate() {
        let mut row = vec![term.name.to_owned()];
        for r in &machine.results {
            let t = &r.terms[i];
            row.extend([spread(&t.wall, "J"), format!("{:.1} %", 100.0 * t.share)]);
        }
        row.push(rests_on(term.confidence, &term.figures));
        rows.push((machine.results.iter().map(|r| r.terms[i].share).fold(0.0, f64::max), row));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    table(&header, rows.into_iter().map(|(_, row)| row))
}

/// What a terahertz detector needs, by each noise.
fn thermal(machine: &OfMachine) -> String {
    let of = |r: &AtBits| {
        let t = r.terahertz.as_ref()?;
        let [a, b, c] = [t.receiver, t.thermal, t.shot].map(|v| engineering(v, "J"));
        Some(format!("{} bits: receiver {a}, kT {b}, shot {c}", r.bits))
    };
    let all: Vec<String> = machine.results.iter().filter_map(of).collect();
    if all.is_empty() {
        return String::new();
    }
    let all = all.join("; ");
    format!("Light of one detector and frame by each noise alone, of which the most counts: {all}.")
}

fn times(machine: &OfMachine) -> Table {
    let delays = machine.results.first().map_or(&[][..], |r| &r.latency.delays[..]);
    let mut header = vec!["part".to_owned()];
    header.extend(machine.results.iter().map(|r| format!("{} bits", r.bits)));
    header.push("rests on (least known)".into());
    let rows = delays.iter().enumerate().map(|(i, d)| {
        let mut row = vec![d.name.to_owned()];
        row.extend(machine.results.iter().map(|r| engineering(r.latency.delays[i].seconds, "s")));
        row.push(rests_on(d.confidence, &d.figures));
        row
    });
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    table(&header, rows)
}

fn switching(machine: &OfMachine) -> String {
    match machine.results.first().and_then(|r| r.latency.reconfiguration.as_ref()) {
        Some(r) => format!("Other weights take {}.", spread(r, "s")),
        None => "Its weights are fixed.".into(),
    }
}

fn advantage(machine: &OfMachine) -> Table {
    let macs = machine.results.first().map_or(0.0, |r| r.macs);
    let mut header = ["bits", "digital"].map(String::from).to_vec();
    header.extend([format!("joules of {} MACs", count(macs)), "s, at least".into()]);
    header.extend(["advantage", "1/10/100 x ahead"].map(String::from));
    let first = machine.results.first();
    for e in first.map_or(&[][..], |r| &r.equal) {
        header.push(if machine.noiseless_accuracy.is_some() {
            "equal accuracy".into()
        } else if let Some(wanted) = e.rival.as_good_as.filter(|_| e.rival.misses()) {
            format!("if {:.2} %", 100.0 * wanted)
        } else if let Some(wanted) = e.rival.as_good_as {
            format!("if {:.2} %: {}", 100.0 * wanted, e.rival.network)
        } else {
            format!("if as good: {}", e.rival.network)
        });
    }
    // One network for each number of bits has no name up here.
    header.push(match first.filter(|_| machine.noiseless_accuracy.is_none()) {
        Some(r) => format!("scene: {}", r.sensor.work),
        None => "scene".into(),
    });
    let row = |r: &AtBits, i: usize, a: &Against| {
        let mut row = vec![
            r.bits.to_string(),
            format!("{} {}", a.baseline, a.arithmetic),
            spread(&a.joules, "J"),
            a.seconds.map_or("-".into(), |s| engineering(s, "s")),
            times_ahead(&a.advantage),
            a.ahead.map(|s| format!("{:.0}", 100.0 * s)).join(" / ") + " %",
        ];
        row.extend(r.equal.iter().map(|e| {
            let advantage = match e.against.get(i) {
                Some(against) => times_ahead(&against.advantage),
                None => "none tried is as good".into(),
            };
            match (machine.noiseless_accuracy, e.rival.accuracy) {
                (Some(_), Some(own)) => {
                    format!("{advantage}\n{}, {:.2} %", e.rival.network, 100.0 * own)
                }
                _ => advantage,
            }
        }));
        row.push(times_ahead(&r.sensor.against[i].advantage));
        row
    };
    let rows = machine
        .results
        .iter()
        .flat_map(|r| r.digital.iter().enumerate().map(move |(i, a)| row(r, i, a)));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    table(&header, rows)
}

/// What its accuracy is of.
fn accuracy_of(machine: &OfMachine) -> String {
    let ideal = machine.noiseless_accuracy.map_or(String::new(), |a| {
        format!(" Without noise and rounding it is {:.2} %, which no joules buy.", 100.0 * a)
    });
    format!("{}.{ideal}", capital(machine.note))
}

/// A note as it begins a sentence.
fn capital(note: &str) -> String {
    let mut note = note.to_owned();
    if let Some(first) = note.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    note
}

/// Baselines that are never beaten are one line.
fn sizes(machine: &OfMachine) -> String {
    let (mut rows, mut never) = (Vec::new(), Vec::new());
    for r in &machine.results {
        let mut lost = Vec::new();
        for three in r.break_even.chunks(3) {
            let Some(first) = three.first() else { continue };
            let name = format!("{} {}", first.baseline, first.arithmetic);
            if three.iter().all(|b| b.typical.is_none() && b.exists == 0.0) {
                lost.push(name);
                continue;
            }
            let mut row = vec![r.bits.to_string(), name];
            row.extend(three.iter().map(ends));
            rows.push(row);
        }
        if lost.len() == r.break_even.len() / 3 {
            lost = vec!["any of them".into()];
        }
        if !lost.is_empty() {
            let against = lost.join(", ");
            never.push(format!("{} bits: never in any draw against {against}.", r.bits));
        }
    }
    let mut text = "Light wins between which sizes N of an N x N product\n".to_owned();
    if !rows.is_empty() {
        let table = table(&["bits", "digital", "1 x ahead", "10 x", "100 x"], rows);
        text += &format!("{table}\n{SIZES}\n");
    }
    if let Some(n) = machine.largest {
        never.push(format!("Its masks hold the weights of at most {n} x {n}."));
    }
    text + &never.join("\n") + "\n\n"
}

fn ends(b: &BreakEven) -> String {
    let typical = b.typical.map_or("never".into(), |[from, to]| format!("{from} to {to}"));
    let share = if b.exists > 0.0 && b.exists < 0.01 {
        "below 1 %".to_owned()
    } else {
        format!("{:.0} %", 100.0 * b.exists)
    };
    match (b.from, b.to) {
        (Some([a, _, b]), Some([c, _, d])) => {
            format!("{typical} ({a}..{b} to {c}..{d}, {share})")
        }
        _ => format!("{typical} ({share})"),
    }
}

fn walls(machine: &OfMachine) -> String {
    let Some(walls) = &machine.loss_wall else { return String::new() };
    let one = |w: &crate::energy::answer::Wall| {
        format!(
            "{:.0} columns ({} modes of this machine) at {} dB",
            w.columns.floor(),
            w.modes,
            w.mzi_loss_db
        )
    };
    let all: Vec<String> = walls.iter().map(one).collect();
    let loss = machine.results.first().and_then(|r| r.loss_db);
    let loss =
        loss.map_or(String::new(), |db| format!("; its light loses {db:.1} dB at the typical"));
    format!("Loss wall: {}{loss}\n\n", all.join(", "))
}

fn published(answer: &Answer) -> Table {
    let figure = |key: &str| answer.figures.iter().find(|f| f.key == key);
    let rows = answer.published.iter().map(|c| {
        let (source, confidence) =
            figure(c.figure).map_or(("", ""), |f| (&f.source[..], f.confidence.name()));
        vec![
            c.what.into(),
            engineering(c.published, c.unit),
            engineering(c.predicted, c.unit),
            c.of.into(),
            format!("{confidence}: {source}"),
        ]
    });
    table(&["what", "published", "predicted", "prediction of", "published by"], rows)
}

/// Figures that some number here asked for.
fn used(answer: &Answer) -> Vec<Figure> {
    let mut keys: Vec<&String> = answer.machines.iter().flat_map(|m| &m.figures).collect();
    keys.extend(&answer.published_figures);
    keys.extend(answer.baselines.iter().flat_map(|b| &b.baselines).flat_map(|b| &b.figures));
    answer.figures.iter().filter(|f| keys.contains(&&f.key)).cloned().collect()
}

/// One a line.
pub fn figures(all: &[Figure]) -> String {
    let range = |f: &Figure| {
        let [low, typical, high] = f.in_unit();
        let values =
            if low == high { typical.to_string() } else { format!("{low} / {typical} / {high}") };
        format!("{values} {}", if f.unit.name == "1" { "" } else { f.unit.name }).trim_end().into()
    };
    let ranges: Vec<String> = all.iter().map(range).collect();
    let widest =
        |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| t.chars().count()).max().unwrap_or(0);
    let keys = widest(&mut all.iter().map(|f| &f.key[..]));
    let values = widest(&mut ranges.iter().map(String::as_str));
    let line = |(f, range): (&Figure, &String)| {
        let confidence = f.confidence.name();
        format!("  {:<keys$}  {range:<values$}  {confidence:<9}  {}", f.key, f.source)
    };
    all.iter().zip(&ranges).map(line).collect::<Vec<_>>().join("\n")
}
