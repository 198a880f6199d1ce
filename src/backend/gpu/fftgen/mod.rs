//! fftgen
