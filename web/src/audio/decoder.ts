/** From frames of synthesised speech to samples: PCM at once, Opus by WebCodecs where the browser has it. */
import type { AudioCodec } from '@events';
import { pcmSamples } from '../net/frames';

export interface Decoded {
  readonly samples: Float32Array<ArrayBuffer>;
  /** Hertz; of Opus what the decoder chose, whatever was announced. */
  readonly sampleRate: number;
}

/** Of one speech; frames come in order. */
export interface Decoder {
  decode(payload: DataView): void;
  /** Calls `done` once everything decoded has come out. */
  end(done: () => void): void;
  close(): void;
}

export type MakeDecoder = (
  announced: { readonly codec: AudioCodec; readonly sample_rate: number },
  out: (decoded: Decoded) => void,
) => Decoder | undefined;

/** RFC 6716: a decoder may run at any of its rates whatever the encoder's; WebCodecs knows only this one. */
const OPUS_HZ = 48_000;
/** One Opus packet per frame (protocols/events). */
const PACKET_US = 20_000;

/** `undefined` for what cannot be played here. */
export const makeDecoder: MakeDecoder = ({ codec, sample_rate: rate }, out) => {
  // Web Audio takes any rate within these for certain.
  if (codec === 'pcm_s16le') return rate < 8_000 || rate > 96_000 ? undefined : pcmDecoder(rate, out);
  return canDecodeOpus() ? opusDecoder(out) : undefined;
};

export function canDecodeOpus(): boolean {
  return typeof AudioDecoder === 'function' && typeof EncodedAudioChunk === 'function';
}

function pcmDecoder(sampleRate: number, out: (decoded: Decoded) => void): Decoder {
  return {
    decode: (payload) => {
      const samples = pcmSamples(payload);
      if (samples.length > 0) out({ samples, sampleRate });
    },
    end: (done) => { done(); },
    close: () => undefined,
  };
}

function opusDecoder(out: (decoded: Decoded) => void): Decoder {
  let timestamp = 0;
  const decoder = new AudioDecoder({
    output: (data) => {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      out({ samples, sampleRate: data.sampleRate });
      data.close();
    },
    // A packet that cannot be decoded closes the decoder: the rest of this speech stays silent.
    error: () => undefined,
  });
  decoder.configure({ codec: 'opus', sampleRate: OPUS_HZ, numberOfChannels: 1 });
  return {
    decode: (payload) => {
      if (decoder.state !== 'configured' || payload.byteLength === 0) return;
      decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp, duration: PACKET_US, data: payload }));
      timestamp += PACKET_US;
    },
    end: (done) => {
      if (decoder.state !== 'configured') done();
      else decoder.flush().then(done, done);
    },
    close: () => {
      if (decoder.state !== 'closed') decoder.close();
    },
  };
}
