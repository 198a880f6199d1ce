//! render (until merged)
#![allow(unused)]
pub mod field {
    use num_complex::Complex;
    use std::path::Path;
    pub struct Plane<'a> {
        pub samples: [usize; 2],
        pub pitch: [f64; 2],
        pub title: &'a str,
    }
    pub fn complex(_: &Plane, _: &[Complex<f64>], _: &Path) -> crate::Result<()> {
        Ok(())
    }
    pub fn phase(_: &Plane, _: &[f64], _: &Path) -> crate::Result<()> {
        Ok(())
    }
}
pub mod curves {
    use std::path::Path;
    pub struct Curves {
        pub epochs: Vec<f64>,
        pub train_loss: Vec<f64>,
        pub val_loss: Vec<f64>,
        pub val_accuracy: Vec<f64>,
        pub test: Option<(f64, [f64; 2])>,
    }
    pub fn draw(_: &Curves, _: &Path) -> crate::Result<()> {
        Ok(())
    }
}
pub mod confusion {
    use std::path::Path;
    pub fn draw(_: &[Vec<u32>], _: &[String], _: f64, _: [f64; 2], _: &Path) -> crate::Result<()> {
        Ok(())
    }
}
pub mod masks {
    use std::path::Path;
    pub fn sheet(
        _: &[(String, Vec<f64>)],
        _: [usize; 2],
        _: [f64; 2],
        _: &Path,
    ) -> crate::Result<()> {
        Ok(())
    }
}
pub mod story {
    use std::path::Path;
    pub struct Panel {
        pub name: String,
        pub z: f64,
        pub intensity: Vec<f64>,
    }
    pub struct Story<'a> {
        pub samples: [usize; 2],
        pub pitch: [f64; 2],
        pub panels: &'a [Panel],
        pub regions: &'a [(crate::optics::detector::Region, usize, bool)],
        pub classes: &'a [String],
        pub energy: &'a [f64],
        pub energy_label: &'a str,
        pub truth: usize,
        pub answer: usize,
    }
    pub fn draw(_: &Story, _: &Path) -> crate::Result<()> {
        Ok(())
    }
}
