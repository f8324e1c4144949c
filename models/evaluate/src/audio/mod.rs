//! Recordings to 16 kHz mono: WAV, FLAC, and Opus in Ogg, at any usual rate, with one channel or two.

mod opus_packets;

use healthsync_events::audio::SAMPLE_RATE;
use opus_packets::OpusPackets;
use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::owned::InterleavedOwned};
use std::{
    fs::File,
    panic::catch_unwind,
    path::{Path, PathBuf},
};
use symphonia::core::{
    codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_OPUS},
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
    packet::Packet,
};

/// Bytes of a file: half an hour of 32-bit stereo at 96 kHz has 1.4 GB, and nobody needs that for speech.
const MAX_BYTES: u64 = 512 << 20;

/// Longest recording: half an hour, 115 MB as samples at 16 kHz.
pub const MAX_SECONDS: u64 = 30 * 60;

/// Rates of recordings that are speech, in hertz.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Frames the resampler takes at a time.
const CHUNK: usize = 1_024;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct AudioError {
    pub file: PathBuf,
    pub fault: AudioFault,
}

#[derive(Debug, thiserror::Error)]
pub enum AudioFault {
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("it is longer than {MAX_SECONDS} s")]
    TooLong,
    #[error("it is not WAV, FLAC or Opus in Ogg: {0}")]
    Format(String),
    #[error("it holds no sound")]
    Nothing,
    #[error("its sample rate of {0} Hz is not one of speech")]
    Rate(u32),
    #[error("it has {0} channels, more than two")]
    Channels(usize),
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Decodes a file to samples at 16 kHz, mono, within -1 to 1 as far as the file is.
///
/// # Errors
/// When the file cannot be read, is too large or too long, or is not sound of these kinds. A file that is damaged is
/// refused as a whole: part of a recording against all of its transcript would measure nothing.
pub fn decode(path: &Path) -> Result<Vec<f32>, AudioError> {
    // symphonia calculates with what a file says of itself, and where overflow is looked for, 40,000 channels are too many.
    let decoded = catch_unwind(|| samples(path));
    let decoded = decoded.unwrap_or_else(|_| Err(AudioFault::Damaged("what it says of itself cannot be".into())));
    decoded.map_err(|fault| AudioError { file: path.to_owned(), fault })
}

fn samples(path: &Path) -> Result<Vec<f32>, AudioFault> {
    let file = File::open(path).map_err(AudioFault::Read)?;
    let metadata = file.metadata().map_err(AudioFault::Read)?;
    if !metadata.is_file() {
        return Err(AudioFault::Format("it is not a file".into()));
    }
    if metadata.len() > MAX_BYTES {
        return Err(AudioFault::TooLarge);
    }
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let probe = symphonia::default::get_probe();
    let reader = probe.probe(&hint, stream, FormatOptions::default(), MetadataOptions::default());
    let mut reader = reader.map_err(|e| AudioFault::Format(e.to_string()))?;
    let track = reader.default_track(TrackType::Audio).ok_or(AudioFault::Nothing)?;
    let id = track.id;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let parameters = parameters.ok_or(AudioFault::Nothing)?.clone();
    let sound = if parameters.codec == CODEC_ID_OPUS {
        let mut opus = OpusPackets::new(parameters.extra_data.as_deref().unwrap_or_default())?;
        packets(&mut *reader, id, |packet| opus.packet(packet))?;
        opus.finish()
    } else {
        let mut pcm = Pcm::new(&parameters)?;
        packets(&mut *reader, id, |packet| pcm.packet(packet))?;
        converted(pcm.mono, pcm.rate)?
    };
    if sound.is_empty() { Err(AudioFault::Nothing) } else { Ok(sound) }
}

fn packets(
    reader: &mut dyn FormatReader,
    track: u32,
    mut take: impl FnMut(&Packet) -> Result<(), AudioFault>,
) -> Result<(), AudioFault> {
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) if packet.track_id == track => take(&packet)?,
            Ok(Some(_)) => {}
            // A second stream behind the first would be another recording.
            Ok(None) | Err(Error::ResetRequired) => return Ok(()),
            Err(error) => return Err(AudioFault::Damaged(error.to_string())),
        }
    }
}

/// Sound of a codec that symphonia decodes, mixed to one channel.
struct Pcm {
    decoder: Box<dyn AudioDecoder>,
    mono: Vec<f32>,
    rate: u32,
    interleaved: Vec<f32>,
}

impl Pcm {
    fn new(parameters: &AudioCodecParameters) -> Result<Self, AudioFault> {
        let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default());
        let decoder = decoder.map_err(|e| AudioFault::Format(e.to_string()))?;
        Ok(Self { decoder, mono: Vec::new(), rate: 0, interleaved: Vec::new() })
    }

    fn packet(&mut self, packet: &Packet) -> Result<(), AudioFault> {
        let decoded = self.decoder.decode(packet).map_err(|e| AudioFault::Damaged(e.to_string()))?;
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        if !RATES.contains(&rate) || (self.rate != 0 && self.rate != rate) {
            return Err(AudioFault::Rate(rate));
        }
        if !(1..=2).contains(&channels) {
            return Err(AudioFault::Channels(channels));
        }
        self.rate = rate;
        decoded.copy_to_vec_interleaved(&mut self.interleaved);
        let mix = |frame: &[f32]| clean(frame.iter().sum::<f32>() / channels as f32);
        self.mono.extend(self.interleaved.chunks_exact(channels).map(mix));
        if self.mono.len() as u64 > MAX_SECONDS * u64::from(rate) {
            return Err(AudioFault::TooLong);
        }
        Ok(())
    }
}

/// A file may hold anything; a NaN would poison every filter downstream.
fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

fn converted(mono: Vec<f32>, rate: u32) -> Result<Vec<f32>, AudioFault> {
    if rate == SAMPLE_RATE || mono.is_empty() {
        return Ok(mono);
    }
    let failed = |reason: String| AudioFault::Format(format!("it cannot be converted: {reason}"));
    let length = mono.len();
    let mut resampler = Fft::<f32>::new(rate as usize, SAMPLE_RATE as usize, CHUNK, 1, FixedSync::Input)
        .map_err(|e| failed(e.to_string()))?;
    let sound = InterleavedOwned::new_from(mono, 1, length).map_err(|e| failed(e.to_string()))?;
    let converted = resampler.process_all(&sound, length, None).map_err(|e| failed(e.to_string()))?;
    Ok(converted.take_data())
}

#[cfg(test)]
mod tests;
