//! Which instruction set runs the lanes, found at run time, and how code gets compiled for it.

#![allow(unsafe_code, reason = "calls into #[target_feature] functions, argued at each")]

use std::sync::OnceLock;

use super::portable::Portable;
use super::vector::Vector;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    Avx512,
    Avx2,
    Neon,
    Portable,
}

/// A loop over lanes, written once for every [`Vector`]. `go` is `inline(always)`, so that it is
/// compiled inside the entry of each instruction set.
pub(super) trait Pass {
    type Args;
    /// # Safety
    /// The instruction set of `V` is there, and the arguments are as the pass states.
    unsafe fn go<V: Vector>(args: &Self::Args);
}

pub(super) type Entry<A> = unsafe fn(&A);

/// Where passes are compiled for one instruction set.
pub(super) trait Arch {
    fn entry<P: Pass>() -> Entry<P::Args>;
}

/// Kept on the stack of an entry, it aligns the frame, and with it every spilled register.
#[repr(align(64))]
struct Frame(#[expect(dead_code, reason = "only its address matters")] u8);

macro_rules! arch {
    ($name:ident, $vector:ty $(, $features:literal)?) => {
        pub(super) struct $name;

        impl Arch for $name {
            fn entry<P: Pass>() -> Entry<P::Args> {
                $(#[target_feature(enable = $features)])?
                unsafe fn entry<P: Pass>(args: &P::Args) {
                    let mut frame = Frame(0);
                    std::hint::black_box(&mut frame);
                    // SAFETY: the caller's.
                    unsafe { P::go::<$vector>(args) }
                }
                entry::<P>
            }
        }

        impl $name {
            /// # Safety
            /// The instruction set is there.
            $(#[target_feature(enable = $features)])?
            unsafe fn run<R>(f: impl FnOnce() -> R) -> R {
                f()
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
arch!(OnAvx512, super::x86::Avx512, "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma");
#[cfg(target_arch = "x86_64")]
arch!(OnAvx2, super::x86::Avx2, "avx2,fma");
#[cfg(target_arch = "aarch64")]
arch!(OnNeon, super::neon::Neon, "neon");
arch!(OnPortable, Portable);

/// Processors whose plans differ where they run AVX-512.
#[derive(Clone, Copy)]
pub(super) enum Kin {
    Intel,
    Zen4,
    Other,
}

/// Of this machine.
pub(super) fn kin() -> Kin {
    static FOUND: OnceLock<Kin> = OnceLock::new();
    *FOUND.get_or_init(|| match maker_and_family() {
        (maker, _) if maker == *b"GenuineIntel" => Kin::Intel,
        // Zen 3, of the same family, has no AVX-512.
        (maker, 0x19) if maker == *b"AuthenticAMD" => Kin::Zen4,
        _ => Kin::Other,
    })
}

/// By CPUID; nothing where there is none.
fn maker_and_family() -> ([u8; 12], u32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::__cpuid;

        #[allow(unused_unsafe, reason = "safe from Rust 1.94 on")]
        // SAFETY: every x86-64 has both leaves.
        let (maker, version) = unsafe { (__cpuid(0), __cpuid(1)) };
        let mut name = [0; 12];
        for (to, part) in name.chunks_exact_mut(4).zip([maker.ebx, maker.edx, maker.ecx]) {
            to.copy_from_slice(&part.to_le_bytes());
        }
        (name, (version.eax >> 8 & 0xf) + (version.eax >> 20 & 0xff))
    }
    #[cfg(not(target_arch = "x86_64"))]
    ([0; 12], 0)
}

impl Isa {
    /// The fastest that this machine runs, or the one that `LIGHTLOOM_ISA` names where the machine
    /// runs it: `AVX2` on a machine with AVX-512 shows what others get.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = Self::available();
            Self::named().and_then(|name| Self::by_name(&name)).unwrap_or(available[0])
        })
    }

    /// What `LIGHTLOOM_ISA` says, if anything.
    pub fn named() -> Option<String> {
        std::env::var("LIGHTLOOM_ISA").ok().filter(|name| !name.is_empty())
    }

    /// The one of that name that this machine runs.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|isa| isa.name().eq_ignore_ascii_case(name))
    }

    /// All that this machine runs, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw");
            found.extend((fma && wide).then_some(Self::Avx512));
            found.extend(fma.then_some(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        found.push(Self::Neon);
        found.push(Self::Portable);
        found
    }

    pub(super) fn is_available(self) -> bool {
        static FOUND: OnceLock<Vec<Isa>> = OnceLock::new();
        FOUND.get_or_init(Self::available).contains(&self)
    }

    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
            Self::Neon | Self::Portable => 4,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Neon => "NEON",
            Self::Portable => "portable",
        }
    }

    /// The name, and whose costs plans follow where that is not all the same: what decides bits.
    pub fn plans(self) -> String {
        let whose = match (self, kin()) {
            (Self::Avx512, Kin::Intel) => " of Intel",
            (Self::Avx512, Kin::Zen4) => " of Zen 4",
            _ => "",
        };
        format!("{}{whose}", self.name())
    }

    /// Runs a closure compiled for this instruction set, so that its plain loops vectorise.
    /// Panics where the machine does not run it.
    pub fn run<R>(self, f: impl FnOnce() -> R) -> R {
        assert!(self.is_available(), "{} does not run here", self.name());
        // SAFETY: it was found on this machine.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => OnAvx512::run(f),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => OnAvx2::run(f),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => OnNeon::run(f),
                _ => OnPortable::run(f),
            }
        }
    }

    /// A pass compiled for this instruction set.
    pub(super) fn entry<P: Pass>(self) -> Entry<P::Args> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => OnAvx512::entry::<P>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => OnAvx2::entry::<P>(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => OnNeon::entry::<P>(),
            _ => OnPortable::entry::<P>(),
        }
    }
}
