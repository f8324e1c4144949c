/** Binary frames of synthesised speech, as `protocols/events/src/speech.rs` writes them. */
import type { SpeechId } from '@events';

export interface SpeechFrame {
  readonly speech: SpeechId;
  readonly index: number;
  readonly last: boolean;
  /** Somebody took the turn: what has not been played yet is not to be. Comes with `last` only. */
  readonly interrupted: boolean;
  /** Samples in the announced codec. */
  readonly payload: DataView;
}

export const HEADER_BYTES = 21;

/** `undefined` for bytes that are not a speech frame. */
export function decodeSpeechFrame(bytes: ArrayBuffer): SpeechFrame | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(bytes);
  const flags = view.getUint8(20);
  // An interruption is an end: 2 alone means nothing.
  if (flags > 3 || flags === 2) return undefined;
  return {
    speech: uuid(new Uint8Array(bytes, 0, 16)),
    index: view.getUint32(16, true),
    last: (flags & 1) === 1,
    interrupted: (flags & 2) === 2,
    payload: new DataView(bytes, HEADER_BYTES),
  };
}

/** Signed 16-bit little-endian PCM to samples within [-1, 1). A trailing odd byte is no sample. */
export function pcmSamples(payload: DataView): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(payload.byteLength >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = payload.getInt16(i * 2, true) / 32_768;
  return samples;
}

function uuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Absent in logs from before speech could be interrupted. */
export function wasInterrupted(completed: { readonly interrupted?: boolean }): boolean {
  return completed.interrupted ?? false;
}
