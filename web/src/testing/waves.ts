/** Blocks of waveforms for tests, as a server would send them. */
export interface BlockSpec {
  readonly channel?: number;
  readonly unit?: number;
  readonly sequence?: number;
  readonly first?: boolean;
  readonly rate?: number;
  readonly scale?: number;
  readonly start?: number;
  readonly steps: readonly number[];
}

export function encodeWaveBlock(spec: BlockSpec): ArrayBuffer {
  const { channel = 131_330, unit = 266_418, sequence = 0, first = false, rate = 250, scale = 0.005, start = 0, steps } = spec;
  const bytes = new ArrayBuffer(40 + 2 * steps.length);
  const view = new DataView(bytes);
  view.setUint16(0, 0x5748, true);
  view.setUint8(2, 1);
  view.setUint8(3, first ? 1 : 0);
  view.setUint32(4, channel, true);
  view.setUint32(8, unit, true);
  view.setUint32(12, sequence, true);
  view.setUint32(16, rate * 1_000, true);
  view.setFloat32(20, scale, true);
  view.setBigInt64(28, BigInt(Math.round(start * 1_000_000)), true);
  view.setUint16(36, steps.length, true);
  steps.forEach((step, i) => { view.setInt16(40 + 2 * i, step, true); });
  return bytes;
}
