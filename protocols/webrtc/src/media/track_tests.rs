use super::*;
use crate::media::{MAX_CONCEAL, RTP_CLOCK_RATE};
use bytes::Bytes;
use opus::{Application, Channels, Encoder};
use proptest::prelude::*;

const FRAME: usize = 320;
const TICKS: u32 = RTP_CLOCK_RATE / 50;

/// A tone that swells, so that the encoder takes it for something worth protecting.
fn tone(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| {
            let t = i as f32 / SAMPLE_RATE as f32;
            (0.3 + 0.2 * (t * 4.0 * std::f32::consts::TAU).sin()) * (t * 440.0 * std::f32::consts::TAU).sin()
        })
        .collect()
}

/// Packets of 20 ms from near the wrap-around of sequence number and timestamp.
fn packets(count: usize) -> Vec<MediaPacket> {
    let mut encoder = Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip).unwrap();
    encoder.set_inband_fec(true).unwrap();
    encoder.set_packet_loss_perc(20).unwrap();
    encoder.set_bitrate(opus::Bitrate::Bits(32_000)).unwrap();
    let sound = tone(count * FRAME);
    let frames = sound.chunks_exact(FRAME).enumerate();
    frames
        .map(|(i, frame)| MediaPacket {
            ssrc: 7,
            sequence: (65_530_u16).wrapping_add(i as u16),
            timestamp: (u32::MAX - 3 * TICKS).wrapping_add(i as u32 * TICKS),
            payload: encoder.encode_vec_float(frame, 1_275).unwrap().into(),
        })
        .collect()
}

struct Run {
    frames: Vec<AudioFrame>,
    stats: MediaStats,
}

/// Each packet 20 ms after the one before, then whatever the deadline brings.
fn run(packets: impl IntoIterator<Item = MediaPacket>) -> Run {
    let mut track = TrackReceiver::new().unwrap();
    let mut frames = Vec::new();
    let mut now = Duration::ZERO;
    for packet in packets {
        track.receive(packet, now, &mut frames);
        now += Duration::from_millis(20);
    }
    while let Some(deadline) = track.deadline() {
        track.poll(deadline, &mut frames);
    }
    assert_contiguous(&frames);
    Run { frames, stats: track.stats() }
}

fn assert_contiguous(frames: &[AudioFrame]) {
    let mut at = 0;
    for frame in frames {
        assert_eq!(frame.at, at);
        assert!(!frame.samples.is_empty());
        at += frame.samples.len() as u64;
    }
}

impl Run {
    fn samples(&self) -> Vec<f32> {
        self.frames.iter().flat_map(|frame| frame.samples.iter().copied()).collect()
    }
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt()
}

#[test]
fn packets_in_order_decode_to_the_same_duration_and_energy() {
    let run = run(packets(50));
    let samples = run.samples();
    assert_eq!(samples.len(), 50 * FRAME);
    assert!((rms(&samples) / rms(&tone(50 * FRAME)) - 1.0).abs() < 0.1, "rms {}", rms(&samples));
    assert!(run.frames.iter().all(|frame| !frame.concealed));
    assert_eq!(run.stats, MediaStats { packets: 50, ..MediaStats::default() });
}

#[test]
fn reordered_and_repeated_packets_decode_as_if_they_had_come_in_order() {
    let straight = run(packets(50)).samples();
    let mut mixed = packets(50);
    for at in (3..45).step_by(6) {
        mixed.swap(at, at + 2);
    }
    let repeated: Vec<_> = mixed.into_iter().flat_map(|packet| [packet.clone(), packet]).collect();
    let run = run(repeated);
    assert_eq!(run.samples(), straight);
    assert_eq!(run.stats.late + run.stats.duplicate, 50);
    assert_eq!(run.stats.lost, 0);
}

#[test]
fn one_lost_packet_is_recovered_from_the_redundancy_of_the_next() {
    let mut some = packets(50);
    some.remove(30);
    let run = run(some);
    assert_eq!(run.samples().len(), 50 * FRAME);
    assert_eq!((run.stats.lost, run.stats.recovered_samples, run.stats.concealed_samples), (1, 320, 0));
    let around = 30 * FRAME..31 * FRAME;
    assert!(rms(&run.samples()[around.clone()]) > 0.5 * rms(&tone(50 * FRAME)[around]));
    assert!(run.frames.iter().all(|frame| !frame.concealed));
}

#[test]
fn a_long_gap_is_concealed_for_200_ms_and_silent_after() {
    let mut some = packets(100);
    some.drain(30..80);
    let run = run(some);
    assert_eq!(run.samples().len(), 100 * FRAME, "media time goes on through the gap");
    assert_eq!(run.stats.lost, 50);
    assert_eq!(run.stats.concealed_samples, MAX_CONCEAL as u64);
    assert_eq!(run.stats.recovered_samples, FRAME as u64);
    assert_eq!(run.stats.silent_samples as usize, 50 * FRAME - MAX_CONCEAL - FRAME);
    let silent = 30 * FRAME + MAX_CONCEAL..79 * FRAME;
    assert!(run.samples()[silent].iter().all(|sample| *sample == 0.0));
    assert_eq!(
        run.frames.iter().filter(|frame| frame.concealed).map(|frame| frame.samples.len()).sum::<usize>(),
        49 * FRAME
    );
}

#[test]
fn a_pause_of_the_sender_becomes_silence_that_is_not_called_concealed() {
    let pause = packets(60).into_iter().enumerate().map(|(i, mut packet)| {
        if i >= 30 {
            packet.timestamp = packet.timestamp.wrapping_add(19 * TICKS);
        }
        packet
    });
    let run = run(pause);
    assert_eq!(run.samples().len(), (60 + 19) * FRAME);
    assert_eq!(run.stats.silent_samples as usize, 19 * FRAME);
    assert!(run.frames.iter().all(|frame| !frame.concealed));
}

#[test]
fn a_timestamp_that_leaps_ahead_cannot_make_media_time_outrun_the_clock() {
    let leaping = packets(60).into_iter().enumerate().map(|(i, mut packet)| {
        packet.timestamp = packet.timestamp.wrapping_add(i as u32 * 60 * RTP_CLOCK_RATE);
        packet
    });
    let run = run(leaping);
    let elapsed = 60.0 * 0.02;
    assert!(run.samples().len() as f64 <= (MAX_LEAD.as_secs_f64() + elapsed) * f64::from(SAMPLE_RATE));
}

#[test]
fn packets_faster_than_real_time_are_dropped_beyond_the_lead() {
    let mut track = TrackReceiver::new().unwrap();
    let mut frames = Vec::new();
    for packet in packets(300) {
        track.receive(packet, Duration::ZERO, &mut frames);
    }
    assert_contiguous(&frames);
    assert_eq!(frames.len() as u128, MAX_LEAD.as_millis() / 20);
    assert_eq!(track.stats().ahead, 50);
}

#[test]
fn a_timestamp_that_steps_back_adds_no_time() {
    let mut some = packets(20);
    for packet in &mut some[10..] {
        packet.timestamp = packet.timestamp.wrapping_sub(5 * RTP_CLOCK_RATE);
    }
    assert_eq!(run(some).samples().len(), 20 * FRAME);
}

#[test]
fn a_new_source_goes_on_where_the_old_one_ended() {
    let mut some = packets(20);
    for packet in &mut some[10..] {
        packet.ssrc = 8;
        packet.sequence = packet.sequence.wrapping_add(20_000);
        packet.timestamp = packet.timestamp.wrapping_add(77_777_777);
    }
    let run = run(some);
    assert_eq!(run.samples().len(), 20 * FRAME);
    assert_eq!((run.stats.lost, run.stats.invalid), (0, 0));
}

#[test]
fn a_packet_that_is_not_opus_is_concealed_once_the_next_one_shows_how_long_it_was() {
    let mut some = packets(30);
    some[15].payload = Bytes::from_static(&[0xff, 0xff, 0xff]);
    let run = run(some);
    assert_eq!(run.samples().len(), 30 * FRAME);
    assert_eq!(run.stats.invalid, 1);
}

#[test]
fn stereo_at_48_khz_decodes_to_mono_at_16_khz() {
    let mut encoder = Encoder::new(48_000, Channels::Stereo, Application::Audio).unwrap();
    let mut phase = 0.0_f32;
    let stereo = (0_u16..25).map(|i| {
        let mut frame = Vec::with_capacity(1_920);
        for _ in 0..960 {
            phase += 440.0 * std::f32::consts::TAU / 48_000.0;
            frame.extend([0.4 * phase.sin(), 0.4 * phase.sin()]);
        }
        let payload = encoder.encode_vec_float(&frame, 1_275).unwrap().into();
        MediaPacket { ssrc: 1, sequence: i, timestamp: u32::from(i) * TICKS, payload }
    });
    let samples = run(stereo.collect::<Vec<_>>()).samples();
    assert_eq!(samples.len(), 25 * FRAME);
    assert!((rms(&samples[FRAME..]) - 0.4 / 2.0_f32.sqrt()).abs() < 0.03, "rms {}", rms(&samples[FRAME..]));
}

/// Half an hour of a call: packets of 20 ms that are up to 60 ms late, each later than the one before or not; 3 % that
/// never come; ten seconds of every minute in which one is sent every 400 ms; a sender's clock that is fast or slow.
fn rough(ppm: i64) -> Vec<(Duration, MediaPacket)> {
    let encoded = packets(50);
    let mut luck = 0x9E37_79B9_7F4A_7C15_u64;
    let mut sequence = 65_000_u16;
    let mut arrivals: Vec<(Duration, MediaPacket)> = (0..90_000_u64)
        .filter(|i| i % 3_000 < 2_500 || i % 20 == 0)
        .filter_map(|i| {
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            sequence = sequence.wrapping_add(1);
            let roll = luck >> 33;
            let payload = encoded[i as usize % encoded.len()].payload.clone();
            let packet = MediaPacket { ssrc: 7, sequence, timestamp: i as u32 * TICKS, payload };
            let sent = Duration::from_micros((i as i64 * 20_000 * (1_000_000 + ppm) / 1_000_000) as u64);
            (roll % 100 >= 3).then(|| (sent + Duration::from_micros(roll / 100 % 60_000), packet))
        })
        .collect();
    arrivals.sort_by_key(|(arrival, ..)| *arrival);
    arrivals
}

#[test]
fn half_an_hour_of_a_rough_call_adds_no_delay_and_leaves_no_gap() {
    for ppm in [-100, 100] {
        let mut track = TrackReceiver::new().unwrap();
        let (mut frames, mut at, mut worst) = (Vec::new(), 0, Duration::ZERO);
        for (arrival, packet) in rough(ppm) {
            while let Some(deadline) = track.deadline().filter(|deadline| *deadline < arrival) {
                track.poll(deadline, &mut frames);
            }
            track.receive(packet, arrival, &mut frames);
            for frame in frames.drain(..) {
                assert_eq!(frame.at, at, "no gap");
                at += frame.samples.len() as u64;
                let spoken = Duration::from_micros(frame.at * 125 / 2 * (1_000_000 + ppm) as u64 / 1_000_000);
                // How long a pause was, and what was lost just before it, is known when it is over.
                if frame.at / FRAME as u64 % 3_000 < 2_450 {
                    worst = worst.max(arrival.saturating_sub(spoken));
                }
            }
        }
        let minutes = at as f64 / f64::from(SAMPLE_RATE) / 60.0;
        assert!((minutes - 30.0).abs() < 0.01, "{minutes} minutes");
        // The path, the wait for who is late, and some packets that never came meanwhile: as much in the last minute as
        // in the first.
        assert!(worst <= Duration::from_millis(60 + 100 + 5 * 20), "{worst:?} late at the worst ({ppm} ppm)");
        let stats = track.stats();
        assert_eq!((stats.ahead, stats.invalid), (0, 0), "{stats:?}");
        assert!(stats.lost > 1_500 && stats.recovered_samples > 0, "{stats:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, time is contiguous, sound is finite, and there is no more of it than the clock allows.
    #[test]
    fn arbitrary_packets_never_panic_and_never_outrun_the_clock(
        arrivals in proptest::collection::vec(
            (0_u32..2, 0_u16..400, any::<u32>(), proptest::collection::vec(any::<u8>(), 0..80), 0_u64..40), 0..120)
    ) {
        let mut track = TrackReceiver::new().unwrap();
        let mut frames = Vec::new();
        let mut now = Duration::ZERO;
        for (ssrc, sequence, timestamp, payload, wait) in arrivals {
            now += Duration::from_millis(wait);
            track.receive(MediaPacket { ssrc, sequence, timestamp, payload: payload.into() }, now, &mut frames);
        }
        assert_contiguous(&frames);
        let total: usize = frames.iter().map(|frame| frame.samples.len()).sum();
        prop_assert!(total as f64 <= (now + MAX_LEAD).as_secs_f64() * f64::from(SAMPLE_RATE) + 1.0);
        prop_assert!(frames.iter().all(|frame| frame.samples.iter().all(|sample| sample.is_finite())));
    }

    /// Real packets, some lost, some late, some twice: the duration is right to the packet.
    #[test]
    fn loss_and_reordering_keep_media_time(fates in proptest::collection::vec(0_u8..10, 40)) {
        let mut arriving: Vec<(usize, MediaPacket)> = Vec::new();
        for (i, packet) in packets(42).into_iter().enumerate() {
            // The first and the last come, so that both ends of the timeline are known.
            match if i == 0 || i == 41 { 9 } else { fates[i - 1] } {
                0 => {}
                1 => arriving.push((2 * i + 5, packet)),
                2 => arriving.extend([(2 * i, packet.clone()), (2 * i + 1, packet)]),
                _ => arriving.push((2 * i, packet)),
            }
        }
        arriving.sort_by_key(|(order, _)| *order);
        let run = run(arriving.into_iter().map(|(_, packet)| packet));
        prop_assert_eq!(run.samples().len(), 42 * FRAME);
    }
}
