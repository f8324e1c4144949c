//! Whisper's mel filterbank: 80 triangles on the Slaney mel scale, each of area one (Slaney 1998, Auditory
//! Toolbox), over the 201 bins of a 400-point transform at 16 kHz.

pub(crate) const MELS: usize = 80;
pub(crate) const BINS: usize = 201;

const NYQUIST: f64 = 8_000.0;

/// The scale is linear below 1 kHz, 15 mels, and logarithmic above: 27 mels for a factor of 6.4.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1_000.0;
const BREAK_MEL: f64 = BREAK_HZ / LINEAR_HZ_PER_MEL;

fn step() -> f64 {
    6.4f64.ln() / 27.0
}

fn to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ { hz / LINEAR_HZ_PER_MEL } else { BREAK_MEL + (hz / BREAK_HZ).ln() / step() }
}

fn to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL { mel * LINEAR_HZ_PER_MEL } else { BREAK_HZ * ((mel - BREAK_MEL) * step()).exp() }
}

/// Row-major, `MELS` rows of `BINS`.
pub(crate) fn filters() -> Vec<f32> {
    let mut edges: Vec<f64> = (0..MELS + 2).map(|n| to_hz(to_mel(NYQUIST) * n as f64 / (MELS + 1) as f64)).collect();
    // There and back is off by a last bit, which differs between mathematics libraries: the last bin is zero or nearly.
    edges[MELS + 1] = NYQUIST;
    let mut filters = Vec::with_capacity(MELS * BINS);
    for mel in 0..MELS {
        let (low, centre, high) = (edges[mel], edges[mel + 1], edges[mel + 2]);
        for bin in 0..BINS {
            let hz = NYQUIST * bin as f64 / (BINS - 1) as f64;
            let rising = (hz - low) / (centre - low);
            let falling = (high - hz) / (high - centre);
            filters.push((rising.min(falling).max(0.0) * 2.0 / (high - low)) as f32);
        }
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_meets_at_one_kilohertz_and_inverts() {
        assert!((to_mel(999.999) - to_mel(1_000.0)).abs() < 1e-3);
        for hz in [0.0, 440.0, 1_000.0, 4_000.0, 8_000.0] {
            assert!((to_hz(to_mel(hz)) - hz).abs() < 1e-6, "{hz}");
        }
    }

    #[test]
    fn each_filter_has_area_one_where_the_bins_resolve_it() {
        let filters = filters();
        for mel in 40..MELS {
            let sum: f32 = filters[mel * BINS..(mel + 1) * BINS].iter().sum();
            let area = sum * 40.0;
            assert!((area - 1.0).abs() < 0.1, "filter {mel}: {area}");
        }
    }

    #[test]
    fn the_first_filters_are_those_published_with_whisper() {
        // The first non-zero entries of the published table: filter 0, bin 1, and filter 1, bin 1 and 2.
        let filters = filters();
        assert!((filters[1] - 0.024_862_59).abs() < 1e-6, "{}", filters[1]);
        assert!((filters[BINS + 1] - 0.001_990_8).abs() < 1e-6, "{}", filters[BINS + 1]);
        assert!((filters[BINS + 2] - 0.022_871_8).abs() < 1e-6, "{}", filters[BINS + 2]);
    }
}
