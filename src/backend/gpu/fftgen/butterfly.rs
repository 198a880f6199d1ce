//! Stages, their butterflies, and where the values of one lie: base + i M / (r1 ... rj), i < rj.

/// One stage: radix, block, stride inside a butterfly, in values of the sub-line.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    pub radix: usize,
    pub block: usize,
    pub stride: usize,
}

/// One round of a stage's butterflies, in each thread one.
pub struct Butterfly {
    pub stage: Stage,
    /// Whether its values are multiplied by twiddles.
    pub turns: bool,
    /// Of the round.
    pub number: usize,
}

/// One value of a butterfly: it lies at `base + at` of the sub-line; in the first stage, whose
/// butterflies begin below its stride, that is at least `low` and less than `high`.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub at: usize,
    pub low: usize,
    pub high: usize,
    /// Among the values of the butterfly, and among all of the thread.
    pub index: usize,
    pub slot: usize,
}

impl Butterfly {
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let Stage { radix, stride, .. } = self.stage;
        let number = self.number;
        (0..radix).map(move |index| {
            let at = index * stride;
            Place { at, low: at, high: at + stride, index, slot: number * radix + index }
        })
    }
}
