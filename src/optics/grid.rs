//! A plane of samples: `x_i = (i - (n - 1) / 2) pitch`, cell-centred, y before x.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One value for both axes or `[y, x]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PerAxis<T> {
    Both(T),
    Each([T; 2]),
}

impl<T: Copy> PerAxis<T> {
    pub fn y(&self) -> T {
        match self {
            Self::Both(v) => *v,
            Self::Each(v) => v[0],
        }
    }

    pub fn x(&self) -> T {
        match self {
            Self::Both(v) => *v,
            Self::Each(v) => v[1],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// `[y, x]`.
    pub samples: [usize; 2],
    /// `[y, x]` in metres.
    pub pitch: [f64; 2],
}

impl Grid {
    pub fn len(&self) -> usize {
        self.samples[0] * self.samples[1]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Width of the window `[y, x]` in metres: samples x pitch.
    pub fn extent(&self) -> [f64; 2] {
        [0, 1].map(|a| self.samples[a] as f64 * self.pitch[a])
    }

    /// Centre of sample `i` along axis `a` (0 is y), in metres from the optical axis.
    pub fn position(&self, a: usize, i: usize) -> f64 {
        (i as f64 - (self.samples[a] as f64 - 1.0) / 2.0) * self.pitch[a]
    }

    /// Calls `f(y, x)` in metres for every sample, x fastest.
    pub fn map<T>(&self, mut f: impl FnMut(f64, f64) -> T) -> Vec<T> {
        let mut out = Vec::with_capacity(self.len());
        for j in 0..self.samples[0] {
            for i in 0..self.samples[1] {
                out.push(f(self.position(0, j), self.position(1, i)));
            }
        }
        out
    }
}
