//! Where the cells of a mesh stand: an index table in order of passage.
//!
//! | topology | cells | depth | guides | universal |
//! |---|---|---|---|---|
//! | Clements 2016, Optica 3, 1460 | N(N-1)/2 | N | N | yes |
//! | Reck 1994, Phys. Rev. Lett. 73, 58 | N(N-1)/2 | 2N-3 | N | yes |
//! | diamond, Shokraneh 2020, Opt. Express 28, 23495 | (N-1)² | 2N-3 | 2N-2 | yes |
//! | butterfly (FFT), Fang 2019, Opt. Express 27, 14009 | N/2 log2 N | log2 N | N | no |
//!
//! Depths for N >= 3; one cell for N = 2, none for N = 1. The diamond is the triangle of Reck and
//! its mirror image about the row of cells along its base. Light enters and leaves at the N
//! guides of the triangle; the other N-2 guides are dark at the input and are dumped at the
//! output, so that the cells of the mirror image can take power away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The largest mesh: an index table of a million cells.
pub const MAX_MODES: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// The rectangle: least depth, every path equally long.
    #[default]
    #[serde(alias = "rectangular")]
    Clements,
    /// The triangle: can be configured by light alone.
    #[serde(alias = "triangular")]
    Reck,
    /// The triangle and its mirror image, with guides that carry power away.
    Diamond,
    /// The fast Fourier transform's graph, for a power of two: few cells, not universal.
    #[serde(alias = "fft")]
    Butterfly,
}

/// Other names of topologies, and their own.
pub const ALIASES: [(&str, &str); 3] =
    [("rectangular", "clements"), ("triangular", "reck"), ("fft", "butterfly")];

/// One interferometer on the guides `a < b`; `a` is its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub column: u32,
    pub a: u32,
    pub b: u32,
}

impl Cell {
    /// Its column and its two guides.
    pub fn at(self) -> (usize, usize, usize) {
        (self.column as usize, self.a as usize, self.b as usize)
    }
}

/// The index table of a mesh.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub guides: usize,
    /// The guide of the first mode; mode k lives on guide `first + k`.
    pub first: usize,
    pub depth: usize,
    /// In order of passage: by column, then by row.
    pub cells: Vec<Cell>,
    /// Cells of column c are `column_start[c]..column_start[c + 1]`; `[depth + 1]`.
    pub column_start: Vec<usize>,
    /// Place of a guide across the chip `[depth + 1, guides]`: in a column partners lie side by
    /// side; the last row is the output.
    pub place: Vec<u32>,
    /// Waveguide crossings a guide passes just before a column `[depth + 1, guides]`; the last
    /// row is before the output.
    pub crossings: Vec<u32>,
}

impl Topology {
    pub const ALL: [Self; 4] = [Self::Clements, Self::Reck, Self::Diamond, Self::Butterfly];

    /// The index table for `n` modes.
    pub fn layout(self, n: usize) -> Result<Layout> {
        if n == 0 || n > MAX_MODES {
            return Err(Error::invalid(
                "mesh.n",
                format!("a mesh has 1 to {MAX_MODES} modes, not {n}"),
            )
            .help("split a larger matrix into blocks"));
        }
        if self == Self::Butterfly && !n.is_power_of_two() {
            return Err(Error::invalid(
                "mesh.n",
                format!("a butterfly needs a power of two, and {n} is none"),
            )
            .help(format!(
                "use {} modes, or topology = \"clements\", which takes any number",
                n.next_power_of_two()
            )));
        }
        let (guides, first) =
            if self == Self::Diamond && n > 1 { (2 * n - 2, n - 2) } else { (n, 0) };
        let depth = match (self, n) {
            (_, 1) => 0,
            (_, 2) => 1,
            (Self::Clements, _) => n,
            (Self::Reck | Self::Diamond, _) => 2 * n - 3,
            (Self::Butterfly, _) => n.ilog2() as usize,
        };
        let mut layout = Layout {
            guides,
            first,
            depth,
            cells: Vec::new(),
            column_start: vec![0],
            place: Vec::new(),
            crossings: vec![0; (depth + 1) * guides],
        };
        for column in 0..depth {
            for row in 0..guides {
                let stride = if self == Self::Butterfly { 1 << column } else { 1 };
                if self.has_cell(n, column, row) {
                    let [column, a, b] = [column, row, row + stride].map(|i| i as u32);
                    layout.cells.push(Cell { column, a, b });
                }
            }
            layout.column_start.push(layout.cells.len());
        }
        layout.place = (0..=depth)
            .flat_map(|column| (0..guides).map(move |guide| (column, guide)))
            .map(|(column, guide)| match self {
                Self::Butterfly if column < depth => shuffled(guide, column) as u32,
                _ => guide as u32,
            })
            .collect();
        if self == Self::Butterfly {
            layout.count_crossings();
        }
        Ok(layout)
    }

    fn has_cell(self, n: usize, column: usize, row: usize) -> bool {
        match self {
            Self::Clements => row + 1 < n && row % 2 == column % 2,
            // Row r of the triangle has a cell in columns r, r + 2, .., 2(n-2) - r.
            Self::Reck => in_triangle(n, column, row),
            Self::Diamond => row + 1 < 2 * n - 2 && in_triangle(n, column, row.abs_diff(n - 2)),
            Self::Butterfly => row & (1 << column) == 0,
        }
    }

    /// Whether every unitary matrix has settings.
    pub fn is_universal(self, n: usize) -> bool {
        self != Self::Butterfly || n <= 2
    }
}

fn in_triangle(n: usize, column: usize, row: usize) -> bool {
    row + 2 <= n && row % 2 == column % 2 && row <= column && column + row <= 2 * (n - 2)
}

/// The perfect shuffle that lays guides which differ in bit `bit` side by side.
fn shuffled(guide: usize, bit: usize) -> usize {
    let low = guide & ((1 << bit) - 1);
    (guide >> (bit + 1) << (bit + 1)) | low << 1 | (guide >> bit & 1)
}

impl Layout {
    /// Two guides cross between columns when their order changes; once, if well routed.
    fn count_crossings(&mut self) {
        let n = self.guides;
        for column in 0..=self.depth {
            let after = &self.place[column * n..(column + 1) * n];
            let natural: Vec<u32> = (0..n as u32).collect();
            let before =
                if column == 0 { &natural[..] } else { &self.place[(column - 1) * n..column * n] };
            for g in 0..n {
                for h in 0..g {
                    if (before[g] < before[h]) != (after[g] < after[h]) {
                        self.crossings[column * n + g] += 1;
                        self.crossings[column * n + h] += 1;
                    }
                }
            }
        }
    }

    /// Cells of a column as a range of `cells`.
    pub fn column(&self, column: usize) -> std::ops::Range<usize> {
        self.column_start[column]..self.column_start[column + 1]
    }

    /// The cell of `column` whose upper guide is `row`.
    pub fn find(&self, column: usize, row: usize) -> Option<usize> {
        if column >= self.depth {
            return None;
        }
        let range = self.column(column);
        let found = self.cells[range.clone()].binary_search_by_key(&(row as u32), |c| c.a);
        found.ok().map(|k| range.start + k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_depths_are_those_of_the_papers() {
        for n in (1..=33).chain([64, 129, 1024]) {
            for topology in Topology::ALL {
                let Ok(layout) = topology.layout(n) else {
                    assert!(topology == Topology::Butterfly && !n.is_power_of_two());
                    continue;
                };
                let log = n.ilog2() as usize;
                let (cells, depth) = match topology {
                    Topology::Clements => (n * (n - 1) / 2, n),
                    Topology::Reck => (n * (n - 1) / 2, (2 * n).max(3) - 3),
                    Topology::Diamond => ((n - 1) * (n - 1), (2 * n).max(3) - 3),
                    Topology::Butterfly => (n / 2 * log, log),
                };
                let depth = [0, 1].get(n - 1).copied().unwrap_or(depth);
                assert_eq!((layout.cells.len(), layout.depth), (cells, depth), "{topology:?} {n}");
                assert!(layout.first + n <= layout.guides);
                for (k, cell) in layout.cells.iter().enumerate() {
                    let (column, a, b) = cell.at();
                    assert!(a < b && b < layout.guides && layout.column(column).contains(&k));
                    assert_eq!(layout.find(column, a), Some(k));
                    let place = |g: usize| layout.place[column * layout.guides + g];
                    assert_eq!(place(b), place(a) + 1, "partners lie side by side");
                }
            }
        }
        assert!(Topology::Clements.layout(0).is_err() && Topology::Reck.layout(1025).is_err());
    }

    /// No guide is touched twice in a column.
    #[test]
    fn cells_of_a_column_do_not_share_guides() {
        for topology in Topology::ALL {
            let layout = topology.layout(16).expect("16 suits all");
            for column in 0..layout.depth {
                let mut seen = vec![false; layout.guides];
                for cell in &layout.cells[layout.column(column)] {
                    let (_, a, b) = cell.at();
                    assert!(!seen[a] && !seen[b], "{topology:?} column {column}");
                    (seen[a], seen[b]) = (true, true);
                }
            }
        }
    }

    /// Four guides: the shuffle 0213 crosses 1 and 2 once before the second column, once after.
    /// Eight guides: counted by hand from the orders 02134657 and 04152637.
    #[test]
    fn crossings_are_inversions_between_the_orders() {
        let four = Topology::Butterfly.layout(4).expect("a power of two");
        assert_eq!(four.crossings, [[0; 4], [0, 1, 1, 0], [0, 1, 1, 0]].concat());
        let eight = Topology::Butterfly.layout(8).expect("a power of two");
        let last = [0, 1, 2, 3, 3, 2, 1, 0];
        assert_eq!(eight.crossings[24..], last);
        let total: u32 = eight.crossings.iter().sum();
        // Pairs crossed: 0, then 2, then from 02134657 to 04152637, then 6.
        let orders = [[0, 2, 1, 3, 4, 6, 5, 7], [0, 4, 1, 5, 2, 6, 3, 7]];
        let at = |o: &[i32; 8], g: i32| o.iter().position(|&x| x == g);
        let between = (0..8)
            .flat_map(|g| (0..g).map(move |h| (g, h)))
            .filter(|&(g, h)| {
                (at(&orders[0], g) < at(&orders[0], h)) != (at(&orders[1], g) < at(&orders[1], h))
            })
            .count();
        assert_eq!(total as usize, 2 * (2 + between + 6));
        for planar in [Topology::Clements, Topology::Reck, Topology::Diamond] {
            assert!(planar.layout(9).expect("any number").crossings.iter().all(|&c| c == 0));
        }
    }
}
