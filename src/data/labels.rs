//! Label texts -> numbers of sorted classes.

use std::collections::HashMap;

#[derive(Debug)]
pub(super) struct Numbered {
    pub classes: Vec<String>,
    pub train: Vec<u16>,
    pub test: Vec<u16>,
}

/// The classes are those of the training labels, sorted as numbers where all are numbers.
///
/// Fails with the index of the first test label that no training sample has, or with `None`
/// where there are more classes than 16 bits count.
pub(super) fn number(train: &[String], test: &[String]) -> Result<Numbered, Option<usize>> {
    let mut classes = train.to_vec();
    classes.sort_unstable();
    classes.dedup();
    if classes.iter().all(|c| value(c).is_some()) {
        classes.sort_by(|a, b| match (value(a), value(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.cmp(b),
        });
    }
    if classes.len() > usize::from(u16::MAX) {
        return Err(None);
    }
    let numbers: HashMap<&str, u16> =
        classes.iter().enumerate().map(|(i, c)| (c.as_str(), i as u16)).collect();
    let number = |(i, label): (usize, &String)| numbers.get(label.as_str()).copied().ok_or(Some(i));
    let train = train.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    let test = test.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    Ok(Numbered { classes, train, test })
}

fn value(class: &str) -> Option<f64> {
    class.parse().ok().filter(|v: &f64| v.is_finite())
}
