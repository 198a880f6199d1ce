//! NVIDIA's management library, loaded when it is asked for: joules since the driver was loaded
//! (Volta and later), else the power of the moment.

use nvml_wrapper::{Device, Nvml};

use super::{Source, Told};

pub struct Card {
    library: Nvml,
    pci: String,
}

impl Card {
    /// That of a PCI address, or why there is none.
    pub fn at(pci: &str) -> Result<Self, String> {
        let library = Nvml::init().map_err(|e| format!("NVML is not there ({e})"))?;
        let card = Self { library, pci: pci.to_owned() };
        card.device().map_err(|e| format!("NVML knows no card at {pci} ({e})"))?;
        match card.read() {
            Some(_) => Ok(card),
            None => Err(format!("NVML tells no power of the card at {pci}")),
        }
    }

    fn device(&self) -> Result<Device<'_>, nvml_wrapper::error::NvmlError> {
        self.library.device_by_pci_bus_id(&*self.pci)
    }
}

impl Source for Card {
    fn read(&self) -> Option<Told> {
        let device = self.device().ok()?;
        if let Ok(millijoules) = device.total_energy_consumption() {
            return Some(Told::Joules(vec![[1e-3 * millijoules as f64, f64::INFINITY]]));
        }
        device.power_usage().ok().map(|milliwatts| Told::Watts(1e-3 * f64::from(milliwatts)))
    }
}
