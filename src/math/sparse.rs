//! A sparse real matrix by rows: image placement, detector regions.

/// Rows of weighted indices: `y[r] = Σ_k weight[k] x[index[k]]`, k in `start[r]..start[r + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse {
    /// Length of x.
    pub columns: usize,
    /// `[rows + 1]`.
    pub start: Vec<u32>,
    pub index: Vec<u32>,
    pub weight: Vec<f64>,
}

impl Sparse {
    pub fn from_rows(columns: usize, rows: &[Vec<(usize, f64)>]) -> Self {
        let mut out = Self { columns, start: vec![0], index: Vec::new(), weight: Vec::new() };
        for row in rows {
            for &(index, weight) in row {
                out.index.push(index as u32);
                out.weight.push(weight);
            }
            out.start.push(out.index.len() as u32);
        }
        out
    }

    pub fn rows(&self) -> usize {
        self.start.len() - 1
    }

    /// y of x.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        let row = |ends: &[u32]| {
            let of = ends[0] as usize..ends[1] as usize;
            of.map(|k| self.weight[k] * x[self.index[k] as usize]).sum()
        };
        self.start.windows(2).map(row).collect()
    }

    pub fn transposed(&self) -> Self {
        let mut rows = vec![Vec::new(); self.columns];
        for r in 0..self.rows() {
            for k in self.start[r] as usize..self.start[r + 1] as usize {
                rows[self.index[k] as usize].push((r, self.weight[k]));
            }
        }
        Self::from_rows(self.rows(), &rows)
    }
}
