//! How well a run reads: the confusion matrix and its worst mistakes, for the template.

use serde::Serialize;

use super::embed;
use crate::data::Dataset;
use crate::error::Result;
use crate::train::Evaluation;

/// A share as people write it, with so many decimals.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", 100.0 * share)
}

#[derive(Serialize)]
pub struct Confusion {
    classes: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    class: String,
    cells: Vec<Share>,
    recall: String,
}

#[derive(Serialize)]
struct Share {
    count: u32,
    /// Strength of the colour, 0 to 100.
    shade: u32,
    is_right: bool,
    hint: String,
}

pub fn confusion(e: &Evaluation, classes: &[String]) -> Confusion {
    let row = |(truth, counts): (usize, &Vec<u32>)| {
        let total: u32 = counts.iter().sum();
        let share = |n: u32| f64::from(n) / f64::from(total.max(1));
        let cell = |(answer, &count): (usize, &u32)| Share {
            count,
            // A square root shows a few errors in a hundred.
            shade: (100.0 * share(count).sqrt()).round() as u32,
            is_right: answer == truth,
            hint: format!("{count} of {total} of {} read as {}", classes[truth], classes[answer]),
        };
        Row {
            class: classes[truth].clone(),
            cells: counts.iter().enumerate().map(cell).collect(),
            recall: format!("{:.1}", 100.0 * share(counts[truth])),
        }
    };
    let rows = e.confusion.iter().enumerate().map(row).collect();
    Confusion { classes: classes.to_vec(), rows }
}

#[derive(Serialize)]
pub struct Wrong {
    sample: usize,
    truth: String,
    answer: String,
    /// `data:` address.
    image: String,
    hint: String,
}

/// The worst mistakes as pictures; none where samples are no pictures.
pub fn mistakes(e: &Evaluation, data: &Dataset) -> Result<Vec<Wrong>> {
    if data.image[0] < 2 {
        return Ok(Vec::new());
    }
    let mut pixels = vec![0.0; data.image[0] * data.image[1]];
    let kept = e.worst.iter().filter(|m| m.sample < data.test.len());
    kept.map(|m| {
        data.test.write_image(m.sample, &mut pixels);
        let [truth, answer] = [m.truth, m.answer].map(|k| data.classes[k].clone());
        let hint = format!("test sample {}, loss {:.2}", m.sample, m.loss);
        let image = embed::grey(data.image, &pixels)?;
        Ok(Wrong { sample: m.sample, truth, answer, image, hint })
    })
    .collect()
}
