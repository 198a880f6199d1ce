//! What a device can do at most. A stand-in: the GPU branch has the kernels.

use super::device::Device;
use crate::error::{Error, Result};

impl Device {
    /// Bytes a second read and written by a kernel that copies.
    #[allow(clippy::unused_self, reason = "a stand-in")]
    pub fn copy_bandwidth(&self) -> Result<f64> {
        Err(Error::device("the copy bandwidth of a GPU is not measured yet"))
    }

    /// Floating-point operations a second of multiply-adds, two each.
    #[allow(clippy::unused_self, reason = "a stand-in")]
    pub fn fma_rate(&self) -> Result<f64> {
        Err(Error::device("the arithmetic rate of a GPU is not measured yet"))
    }
}
