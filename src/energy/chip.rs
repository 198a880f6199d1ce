//! Meshes of interferometers on silicon, one vector a symbol:
//!
//! E/MAC = (E_DAC + E_mod + E_TIA + E_ADC)/N + E_det(b)/(N·T(N)·a·η) + hold·P_π·n_PS/(MACs·B) + ...
//!
//! with T = 10^{-(modulator + 2 facets + columns·(cell + guide))/10}. An SVD layer U Σ V† has twice
//! the columns and 2N² shifters, and passes a = ‖W‖_F²/(Nσ_max²) of the light, since attenuators
//! only take away; of a chip that was trained the share of its light that is read is its own in place of
//! a, of the nonlinearities' loss and of the guides that are not read. Homodyne receivers add their
//! local oscillator, at its optimum.
//!
//! A MAC is real: complex by complex counts 4, real by complex 2, real by real 1. Without a
//! nonlinearity between them meshes in a row are one matrix, and count once. Butterflies are not
//! universal: N log2 N a unitary.
//!
//! A digital front end ([`super::edge`]) that is slower than the symbols makes vectors wait for it.

use serde::Serialize;

use super::budget::{Budget, Input, Latency, adc, dac, memory};
use super::draw::Draw;
use super::edge::Work;
use super::laws::{
    SPEED_OF_LIGHT, direct_energy, held_energy, homodyne_energy, loss_wall, snr, transmission,
};
use crate::optics::mesh::Topology;

/// A part of a chip that all guides pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// One mesh.
    Mesh(Topology),
    /// A mesh, attenuators, a mesh.
    Svd(Topology),
    /// A nonlinearity on every guide, by a detector that drives a modulator.
    Activation,
}

/// How the outputs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detection {
    /// Intensities.
    Direct,
    /// One quadrature, beside a local oscillator: real numbers with their sign.
    Homodyne,
}

/// What holds the phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phases {
    /// Heaters, which hold by power.
    Thermo,
    /// Phase-change cells, which hold by themselves.
    Pcm,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    pub modes: usize,
    pub blocks: Vec<Block>,
    /// Guides that carry data.
    pub inputs: usize,
    /// The data are complex: two converters and modulators a guide.
    pub complex: bool,
    /// Guides that are read.
    pub outputs: usize,
    pub detection: Detection,
    pub phases: Phases,
    /// Digital work before the chip.
    pub front: Work,
    /// Share of the light in its guides that is read, where it was computed.
    pub read: Option<f64>,
}

/// Whether light passes a chip within its link budget, at the typical figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reach {
    pub columns: f64,
    /// Of a column: its interferometer and its guide.
    pub column_db: f64,
    pub budget_db: f64,
    /// dB of columns and facets beyond the budget; below 0 what is left of it.
    pub over_db: f64,
    pub most_columns: f64,
    /// Modes of such a machine with so many columns at most.
    pub most_modes: usize,
}

impl Block {
    pub fn columns(self, n: f64) -> f64 {
        let one = |t: Topology| match t {
            Topology::Clements => n,
            Topology::Reck | Topology::Diamond => (2.0 * n - 3.0).max(1.0),
            Topology::Butterfly => n.log2().ceil(),
        };
        match self {
            Self::Mesh(t) => one(t),
            // The attenuators are a column of their own.
            Self::Svd(t) => 2.0 * one(t) + 1.0,
            Self::Activation => 0.0,
        }
    }

    /// Phases: two a cell and one an output; of an SVD layer one an attenuator too.
    pub fn shifters(self, n: f64) -> f64 {
        let one = |t: Topology| match t {
            Topology::Clements | Topology::Reck => n * (n - 1.0),
            Topology::Diamond => 2.0 * (n - 1.0) * (n - 1.0),
            Topology::Butterfly => n * n.log2(),
        };
        match self {
            Self::Mesh(t) => one(t) + n,
            Self::Svd(t) => 2.0 * one(t) + 2.0 * n,
            Self::Activation => 0.0,
        }
    }

    /// Multiply-accumulates of numbers, where it is no dense matrix.
    fn sparse(self, n: f64) -> Option<f64> {
        match self {
            Self::Mesh(Topology::Butterfly) => Some(n * n.log2()),
            Self::Svd(Topology::Butterfly) => Some(2.0 * n * n.log2() + n),
            _ => None,
        }
    }
}

impl Chip {
    /// One layer whose every guide carries a real number and is read as one.
    pub fn layer(modes: usize, block: Block, phases: Phases) -> Self {
        let (blocks, detection) = (vec![block], Detection::Homodyne);
        let (inputs, outputs) = (modes, modes);
        let (complex, front, read) = (false, Work::default(), None);
        Self { modes, blocks, inputs, complex, outputs, detection, phases, front, read }
    }

    /// The same of another size.
    #[must_use]
    pub fn of_size(&self, n: usize) -> Self {
        let (front, read) = (Work::default(), None);
        Self { modes: n, inputs: n, outputs: n, front, read, ..self.clone() }
    }

    fn sum(&self, of: impl Fn(Block, f64) -> f64) -> f64 {
        self.blocks.iter().map(|&b| of(b, self.modes as f64)).sum()
    }

    pub fn columns(&self) -> f64 {
        self.sum(Block::columns)
    }

    pub fn shifters(&self) -> f64 {
        self.sum(Block::shifters)
    }

    fn activations(&self) -> f64 {
        self.blocks.iter().filter(|b| **b == Block::Activation).count() as f64
    }

    /// Real MACs that one vector stands for.
    pub fn macs(&self) -> f64 {
        let n = self.modes as f64;
        let segments: Vec<&[Block]> = self.blocks.split(|b| *b == Block::Activation).collect();
        let last = segments.iter().rposition(|s| !s.is_empty());
        let first = segments.iter().position(|s| !s.is_empty());
        let of = |(i, segment): (usize, &&[Block])| {
            if segment.is_empty() {
                return 0.0;
            }
            let (into, from) = (Some(i) == first, Some(i) == last);
            let columns = if into { self.inputs as f64 } else { n };
            let rows = if from { self.outputs as f64 } else { n };
            let left = if into && !self.complex { 1.0 } else { 2.0 };
            // An intensity takes both parts of a field, a quadrature one.
            let right = if from && self.detection == Detection::Homodyne { 1.0 } else { 2.0 };
            let sparse = segment.iter().map(|b| b.sparse(n)).sum::<Option<f64>>();
            left * right * sparse.map_or(rows * columns, |s| s.min(rows * columns))
        };
        segments.iter().enumerate().map(of).sum()
    }

    /// Share of the light that comes from the laser to the ends of the guides; to those that are read
    /// where that share was computed.
    pub fn transmission(&self, d: &Draw) -> f64 {
        let svds = self.blocks.iter().filter(|b| matches!(b, Block::Svd(_))).count();
        let column = d.get("silicon.mzi_loss") + Self::guide(d);
        let mut db = d.get("silicon.modulator_loss") + 2.0 * d.get("silicon.facet_loss");
        db += self.columns() * column;
        if let Some(read) = self.read {
            return read * transmission(db);
        }
        if self.activations() > 0.0 {
            db += self.activations() * d.get("silicon.activation_loss");
        }
        let mut share = transmission(db);
        if svds > 0 {
            share *= d.get("silicon.svd_transmission").powi(svds as i32);
        }
        share
    }

    /// Loss of the guide under one column in dB.
    fn guide(d: &Draw) -> f64 {
        d.get("silicon.strip_loss") * d.get("silicon.cell_length")
    }

    /// Vectors a second.
    pub fn rate(&self, d: &Draw, bits: f64, input: Input) -> f64 {
        let symbols = d.get("silicon.symbol_rate");
        match input {
            Input::Memory => self.front.within(d, bits, symbols),
            Input::Scene => symbols,
        }
    }

    /// J of light launched a symbol: for the signal, and for all local oscillators.
    pub fn light(&self, d: &Draw, bits: f64, input: Input) -> [f64; 2] {
        let (noise, responsivity) = (d.get("receiver.noise"), d.get("silicon.responsivity"));
        let (rate, share) = (self.rate(d, bits, input), self.transmission(d));
        // Light spreads over all guides, read or not, unless the share is that of the ones read.
        let guides = if self.read.is_some() { self.outputs } else { self.modes };
        let signals = guides as f64 / share;
        match self.detection {
            Detection::Direct => {
                [signals * direct_energy(snr(bits), noise, responsivity, rate), 0.0]
            }
            Detection::Homodyne => {
                let oscillators = self.outputs as f64 / transmission(d.get("silicon.facet_loss"));
                let cost = signals / oscillators;
                let [signal, oscillator] =
                    homodyne_energy(snr(bits), noise, responsivity, rate, cost);
                [signals * signal, oscillators * oscillator]
            }
        }
    }

    /// Columns that light can pass within the link budget, at this loss an interferometer in dB.
    pub fn wall(d: &Draw, mzi_loss: f64) -> f64 {
        let (budget, facet) = (d.get("silicon.link_budget"), d.get("silicon.facet_loss"));
        loss_wall(budget, facet, mzi_loss, Self::guide(d))
    }

    /// Whether its columns are within the wall.
    pub fn passes(&self, d: &Draw) -> bool {
        self.columns() <= Self::wall(d, d.get("silicon.mzi_loss"))
    }

    /// Its columns against the wall.
    pub fn reach(&self, d: &Draw) -> Reach {
        let (budget_db, facet) = (d.get("silicon.link_budget"), d.get("silicon.facet_loss"));
        let cell = d.get("silicon.mzi_loss");
        let (columns, column_db) = (self.columns(), cell + Self::guide(d));
        let most_columns = Self::wall(d, cell);
        Reach {
            columns,
            column_db,
            budget_db,
            over_db: columns * column_db + 2.0 * facet - budget_db,
            most_columns,
            most_modes: self.modes_within(most_columns),
        }
    }

    /// Modes of this machine whose columns are within the wall.
    pub fn modes_within(&self, columns: f64) -> usize {
        let fits = |n: usize| self.of_size(n).columns() <= columns;
        (1..=4096).take_while(|&n| fits(n)).last().unwrap_or(0)
    }

    fn lines(&self) -> f64 {
        self.inputs as f64 * if self.complex { 2.0 } else { 1.0 }
    }

    /// J to load all phases once.
    fn reload(&self, d: &Draw, bits: f64) -> f64 {
        self.shifters()
            * match self.phases {
                Phases::Thermo => dac(d, bits),
                Phases::Pcm => dac(d, bits) + d.get("pcm.write"),
            }
    }

    /// J of heaters in the time of one at so many a second.
    fn held(&self, d: &Draw, rate: f64) -> f64 {
        held_energy(d.get("thermo.hold"), d.get("thermo.power"), self.shifters(), 1.0, rate)
    }

    /// W while no light is sent: phases held, and control.
    pub fn standing(&self, d: &Draw) -> f64 {
        let held = if self.phases == Phases::Thermo { self.held(d, 1.0) } else { 0.0 };
        held + d.get("silicon.control")
    }

    pub fn budget(&self, d: &Draw, bits: f64, input: Input) -> Budget {
        let (rate, memories) = (self.rate(d, bits, input), input == Input::Memory);
        let symbols = |d: &Draw| self.rate(d, bits, input);
        let (lines, outputs) = (self.lines(), self.outputs as f64);
        let mut all = Budget::new(self.macs(), rate);
        let plug = |d: &Draw, light: f64| [light, light / d.get("silicon.wall_plug")];
        all.light(d, "light of the signal", |d| plug(d, self.light(d, bits, input)[0]));
        if self.detection == Detection::Homodyne {
            all.light(d, "local oscillators", |d| plug(d, self.light(d, bits, input)[1]));
        }
        if self.phases == Phases::Thermo {
            all.driven(d, "phases held", |d| self.held(d, symbols(d)));
        }
        if memories {
            all.driven(d, "modulators", |d| lines * d.get("silicon.modulator"));
            all.electronics(d, "DACs", |d| lines * dac(d, bits));
        }
        if self.activations() > 0.0 {
            let cells = self.activations() * self.modes as f64;
            all.electronics(d, "activations", |d| {
                cells * (d.get("receiver.energy") + d.get("silicon.modulator"))
            });
        }
        all.electronics(d, "receivers", |d| outputs * d.get("receiver.energy"));
        all.electronics(d, "ADCs", |d| outputs * adc(d, bits, symbols(d)));
        let numbers = outputs + if memories { lines } else { 0.0 };
        all.electronics(d, "memory", |d| memory(d, numbers, bits));
        all.electronics(d, "weights reloaded", |d| self.reload(d, bits) / d.get("silicon.reuse"));
        all.electronics(d, "control", |d| d.get("silicon.control") / symbols(d));
        if memories && !self.front.is_none() {
            all.electronics(d, "digital front end", |d| self.front.energy(d, bits));
        }
        all
    }

    pub fn latency(&self, d: &Draw, bits: f64, input: Input) -> Latency {
        let rate = self.rate(d, bits, input);
        let switch = match self.phases {
            Phases::Thermo if d.get("thermo.power") > 0.0 => {
                Some(d.get("thermo.product") / d.get("thermo.power"))
            }
            Phases::Thermo => None,
            Phases::Pcm => Some(d.get("pcm.time")),
        };
        let mut all = Latency::new(rate, switch, self.reload(d, bits));
        if input == Input::Memory {
            if self.front.macs > 0.0 {
                all.delay(d, "digital front end", |d| self.front.seconds(d, bits));
            }
            all.delay(d, "DAC", |d| d.get("dac.latency"));
            all.delay(d, "modulator", |d| d.get("silicon.modulator_response"));
        }
        all.delay(d, "time of flight", |d| {
            let length = self.columns() * d.get("silicon.cell_length");
            length * d.get("silicon.group_index") / SPEED_OF_LIGHT
        });
        if self.activations() > 0.0 {
            all.delay(d, "activations", |d| {
                let one = d.get("receiver.response") + d.get("silicon.modulator_response");
                self.activations() * one
            });
        }
        all.delay(d, "receiver", |d| d.get("receiver.response"));
        all.delay(d, "ADC", |d| d.get("adc.latency"));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::library::Library;

    fn library(settings: &[&str]) -> Library {
        let mut library = Library::built_in().expect("they are right");
        for s in settings {
            library.set(s).expect(s);
        }
        library
    }

    fn svd(n: usize) -> Chip {
        Chip::layer(n, Block::Svd(Topology::Clements), Phases::Thermo)
    }

    #[test]
    fn counts_of_a_layer() {
        let chip = svd(64);
        assert_eq!((chip.columns(), chip.shifters(), chip.macs()), (129.0, 8192.0, 4096.0));
        let unitary = Chip::layer(64, Block::Mesh(Topology::Clements), Phases::Thermo);
        assert_eq!((unitary.columns(), unitary.shifters()), (64.0, 4096.0));
        let butterfly = Chip::layer(64, Block::Mesh(Topology::Butterfly), Phases::Thermo);
        assert_eq!((butterfly.columns(), butterfly.macs()), (6.0, 384.0));
    }

    /// What a MAC is: complex data 2, intensities 2, both 4; two meshes without a nonlinearity
    /// between them are one matrix.
    #[test]
    fn macs_are_real() {
        let mesh = Block::Mesh(Topology::Clements);
        let chip = |blocks: &[Block], complex, detection| Chip {
            blocks: blocks.to_vec(),
            complex,
            detection,
            ..svd(16)
        };
        assert_eq!(chip(&[mesh], true, Detection::Homodyne).macs(), 512.0);
        assert_eq!(chip(&[mesh], false, Detection::Direct).macs(), 512.0);
        assert_eq!(chip(&[mesh, mesh], true, Detection::Direct).macs(), 1024.0);
        let two = [mesh, Block::Activation, mesh, Block::Activation];
        let two = Chip { outputs: 10, ..chip(&two, true, Detection::Direct) };
        assert_eq!(two.macs(), 4.0 * (256.0 + 160.0));
    }

    /// METHODS C3: 0.59 to 1.0 P_π of 10 mW at 1 GHz is 12 to 20 pJ a MAC for an SVD.
    #[test]
    fn held_phases_of_an_svd() {
        for (hold, expected) in [(0.59, 11.8e-12), (1.0, 20e-12)] {
            let set = [format!("thermo.hold={hold}"), "thermo.power=10".into()];
            let library = library(&set.iter().map(String::as_str).collect::<Vec<_>>());
            let d = Draw::typical(&library);
            for n in [8, 64, 256] {
                let b = svd(n).budget(&d, 8.0, Input::Memory);
                let held = b.terms.iter().find(|t| t.name == "phases held").expect("it holds");
                assert!((held.wall / b.macs / expected - 1.0).abs() < 1e-12);
            }
        }
    }

    /// Without loss, held power and control, all that is left falls as 1/N.
    #[test]
    fn energy_of_a_mac_falls_as_one_over_n() {
        let library = library(&[
            "silicon.mzi_loss=0",
            "silicon.strip_loss=0",
            "thermo.power=0",
            "silicon.control=0",
            "silicon.reuse=1e30",
        ]);
        let d = Draw::typical(&library);
        let per_mac = |n: usize| {
            let b = svd(n).budget(&d, 4.0, Input::Memory);
            b.wall() / b.macs
        };
        for n in [4, 16, 64, 256] {
            assert!((per_mac(n) / per_mac(4 * n) / 4.0 - 1.0).abs() < 1e-9, "{n}");
        }
    }

    /// Each column costs its dB; an SVD layer passes its share a.
    #[test]
    fn loss_counts_columns() {
        let library = library(&["silicon.mzi_loss=0.5", "silicon.svd_transmission=0.25"]);
        let d = Draw::typical(&library);
        let db = |n: usize| -10.0 * svd(n).transmission(&d).log10();
        assert!((db(16) - db(8) - 16.0 * 0.5375).abs() < 1e-9);
        // Modulator 3 dB, two facets of 1.5, 17 columns, a quarter.
        assert!((db(8) - (6.0 + 17.0 * 0.5375 + 6.0206)).abs() < 1e-4, "{}", db(8));
        assert_eq!(Chip::wall(&d, 0.5).floor(), 55.0);
        assert_eq!(svd(8).modes_within(55.8), 27);
        // 129 columns of 0.5375 dB and two facets of 1.5 dB against 33 dB; 27 modes have 55 columns.
        let over = svd(64).reach(&d);
        assert!((over.over_db - (129.0 * 0.5375 + 3.0 - 33.0)).abs() < 1e-9, "{over:?}");
        assert_eq!(over.most_modes, 27);
        assert!(svd(27).reach(&d).over_db < 0.0 && svd(28).reach(&d).over_db > 0.0);
    }

    /// 25,088 MACs, as many weights and 784 pixels at 4 bits: 1 pJ a MAC, 20 pJ a word of 64 bits, and
    /// 12.5 ns by which vectors come one after the other; a scene needs none of it.
    #[test]
    fn a_front_end_is_paid_and_waited_for() {
        let library = library(&[]);
        let d = Draw::typical(&library);
        let (macs, pixels) = (25_088.0, 784.0);
        let with = Chip { front: Work { macs, reads: macs + pixels }, ..svd(16) };
        let budget = with.budget(&d, 4.0, Input::Memory);
        let of = |name: &str| budget.terms.iter().find(|t| t.name == name).expect(name).wall;
        let expected = macs * 1e-12 + (macs + pixels) * 4.0 / 64.0 * 20e-12;
        assert!((of("digital front end") / expected - 1.0).abs() < 1e-12);
        let slow = macs * 0.5e-12;
        assert!((budget.rate * slow - 1.0).abs() < 1e-12, "{}", budget.rate);
        // 1 W of control for as long as a vector takes.
        assert!((of("control") / slow - 1.0).abs() < 1e-12);
        let single = |chip: &Chip| chip.latency(&d, 4.0, Input::Memory).single_shot();
        assert!(((single(&with) - single(&svd(16))) / slow - 1.0).abs() < 1e-9);
        let scene = with.budget(&d, 4.0, Input::Scene);
        assert!(scene.rate == 1e9 && scene.terms.iter().all(|t| t.name != "digital front end"));
    }

    /// Light for the guides that are read, by the share of it that reaches them: of a chip that passes
    /// a quarter a layer and half a nonlinearity evenly to 16 guides, 10 read, it is the same.
    #[test]
    fn light_goes_by_the_share_that_is_read() {
        let library = library(&["silicon.svd_transmission=0.25", "silicon.activation_loss=3.0103"]);
        let d = Draw::typical(&library);
        let one = Block::Svd(Topology::Clements);
        let blocks = vec![one, Block::Activation, one];
        let any = Chip { blocks, outputs: 10, detection: Detection::Direct, ..svd(16) };
        let of = |chip: &Chip| chip.light(&d, 8.0, Input::Memory)[0];
        let share = 0.25 * 0.25 * 0.5 * 10.0 / 16.0;
        let same = Chip { read: Some(share), ..any.clone() };
        assert!((of(&same) / of(&any) - 1.0).abs() < 1e-5);
        let bright = Chip { read: Some(4.0 * share), ..any };
        assert!((of(&same) / of(&bright) - 4.0).abs() < 1e-9);
        assert_eq!(bright.of_size(8).read, None);
    }

    /// METHODS C5: 3.5 ps a stage, 0.22 ns for 64 of them.
    #[test]
    fn light_needs_time() {
        let library = library(&[]);
        let d = Draw::typical(&library);
        let chip = Chip::layer(64, Block::Mesh(Topology::Clements), Phases::Thermo);
        let latency = chip.latency(&d, 8.0, Input::Memory);
        let flight = latency.delays.iter().find(|d| d.name == "time of flight").expect("it flies");
        assert!((flight.seconds / 64.0 - 3.5e-12).abs() < 0.05e-12, "{}", flight.seconds);
        // P_π τ = 80 nJ at 20 mW.
        assert!((latency.reconfiguration.expect("heaters") - 4e-6).abs() < 1e-12);
    }
}
