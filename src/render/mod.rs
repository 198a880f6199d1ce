//! render (until merged)
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
}
