//! A plane of samples: `x_i = (i - (n - 1) / 2) pitch`, cell-centred, y before x.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// One value for both axes or `[y, x]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
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

/// By hand: a derived untagged enum would lose what is wrong with the value.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerAxis<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(PerAxisVisitor(PhantomData))
    }
}

struct PerAxisVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PerAxisVisitor<T> {
    type Value = PerAxis<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("one value, or two as [y, x]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        <[T; 2]>::deserialize(SeqAccessDeserializer::new(seq)).map(PerAxis::Each)
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
        T::deserialize(v.into_deserializer()).map(PerAxis::Both)
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Self::Value, E> {
        T::deserialize(v.into_deserializer()).map(PerAxis::Both)
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Self::Value, E> {
        T::deserialize(v.into_deserializer()).map(PerAxis::Both)
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Self::Value, E> {
        T::deserialize(v.into_deserializer()).map(PerAxis::Both)
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
