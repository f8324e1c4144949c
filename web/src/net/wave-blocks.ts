/** Binary blocks of waveforms, as `protocols/waveform/src/block.rs` writes them. */
import type { MdcCode } from '@events';

export interface WaveBlock {
  readonly channel: MdcCode;
  readonly unit: MdcCode;
  readonly sequence: number;
  /** The first block of a stream. */
  readonly first: boolean;
  /** Hertz. */
  readonly rate: number;
  /** Seconds since the epoch, of the first sample, by the source's clock. */
  readonly start: number;
  /** In the channel's unit; NaN where there is no value. */
  readonly values: Float32Array<ArrayBuffer>;
}

export const HEADER_BYTES = 40;
const MAGIC = 0x5748;
const NO_VALUE = -32_768;
const MAX_RATE = 500;

/** `undefined` for bytes that are not a block. */
export function decodeWaveBlock(bytes: ArrayBuffer): WaveBlock | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(bytes);
  const flags = view.getUint8(3);
  if (view.getUint16(0, true) !== MAGIC || view.getUint8(2) !== 1 || flags > 1) return undefined;
  const count = view.getUint16(36, true);
  const rate = view.getUint32(16, true) / 1_000;
  if (count === 0 || bytes.byteLength !== HEADER_BYTES + 2 * count || rate < 1 || rate > MAX_RATE) return undefined;
  const scale = view.getFloat32(20, true);
  const offset = view.getFloat32(24, true);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const step = view.getInt16(HEADER_BYTES + 2 * i, true);
    values[i] = step === NO_VALUE ? NaN : offset + scale * step;
  }
  return {
    channel: view.getUint32(4, true),
    unit: view.getUint32(8, true),
    sequence: view.getUint32(12, true),
    first: flags === 1,
    rate,
    // Microseconds of this age are above 2^53 after the year 2255.
    start: Number(view.getBigInt64(28, true)) / 1_000_000,
    values,
  };
}

/** What a channel is called at the bedside, by its ISO/IEEE 11073-10101 code. */
const CHANNELS: Readonly<Record<MdcCode, string>> = {
  131328: 'ECG', 131329: 'ECG I', 131330: 'ECG II', 131331: 'ECG V1', 131332: 'ECG V2', 131333: 'ECG V3',
  131334: 'ECG V4', 131335: 'ECG V5', 131336: 'ECG V6', 131389: 'ECG III', 131390: 'ECG aVR', 131391: 'ECG aVL',
  131392: 'ECG aVF', 131395: 'ECG V', 150032: 'Arterial pressure', 150452: 'Pleth', 151780: 'Respiration',
};

const UNITS: Readonly<Record<MdcCode, string>> = { 262688: '%', 266016: 'mmHg', 266418: 'mV', 266419: 'µV' };

export function channelName(channel: MdcCode): string {
  return CHANNELS[channel] ?? `Channel ${channel & 0xfff}`;
}

export function unitName(unit: MdcCode): string {
  return UNITS[unit] ?? '';
}

/** Electric potentials are drawn to a fixed scale, as on paper; everything else fills its strip. */
export function millivolts(unit: MdcCode): number | undefined {
  if (unit === 266418) return 1;
  return unit === 266419 ? 0.001 : undefined;
}
