/** The last seconds of one waveform channel: samples in a ring by their time, gaps where nothing came. */
import type { WaveBlock } from '../net/wave-blocks';

/** Rounding of a source's times is below this; a gap is above. Seconds, as in protocols/waveform/src/continuity.rs. */
const TOLERANCE_S = 0.02;

export class Trace {
  readonly rate: number;
  /** Samples by their index modulo the length; NaN where there is none. */
  private readonly ring: Float32Array<ArrayBuffer>;
  /** Seconds since the epoch of the sample with index 0. */
  private readonly origin: number;
  /** Index after the newest sample. */
  private end = 0;
  private sequence: number;
  /** Blocks that should have come and did not. */
  lostBlocks = 0;

  /** Keeps `seconds` from the newest sample back. */
  constructor(block: WaveBlock, readonly seconds: number) {
    this.rate = block.rate;
    this.ring = new Float32Array(Math.ceil(block.rate * seconds)).fill(NaN);
    this.origin = block.start;
    this.sequence = (block.sequence + 0xffff_ffff) >>> 0;
    this.push(block);
  }

  /** Seconds since the epoch, after the newest sample. */
  get newest(): number {
    return this.origin + this.end / this.rate;
  }

  /** Whether the block can follow in this trace; another rate or a clock that was set back begin another. */
  takes(block: WaveBlock): boolean {
    return block.rate === this.rate && block.start - this.newest > -TOLERANCE_S;
  }

  /** Takes a block in that comes after what there is. */
  push(block: WaveBlock): void {
    if (!block.first) {
      const missing = (block.sequence - this.sequence - 1) >>> 0;
      if (missing < 0x8000_0000) this.lostBlocks += missing;
    }
    this.sequence = block.sequence;
    const late = block.start - this.newest;
    if (late > TOLERANCE_S) this.skip(Math.round(late * this.rate));
    for (const value of block.values) {
      this.ring[this.end % this.ring.length] = value;
      this.end += 1;
    }
  }

  /** The value at an index, NaN where there is none or it is no longer kept. */
  at(index: number): number {
    if (index < 0 || index >= this.end || index < this.end - this.ring.length) return NaN;
    return this.ring[index % this.ring.length] ?? NaN;
  }

  /** The first index at or after a time. */
  indexAt(time: number): number {
    return Math.ceil((time - this.origin) * this.rate - 1e-6);
  }

  timeOf(index: number): number {
    return this.origin + index / this.rate;
  }

  /** The lowest and highest value between two times, and the mean, or `undefined` where there is no value. */
  range(from: number, to: number): { readonly low: number; readonly high: number; readonly mean: number } | undefined {
    let [low, high, sum, count] = [Infinity, -Infinity, 0, 0];
    const last = Math.min(this.indexAt(to), this.end);
    for (let i = Math.max(0, this.indexAt(from), this.end - this.ring.length); i < last; i++) {
      const value = this.at(i);
      if (Number.isNaN(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
      count += 1;
    }
    return count === 0 ? undefined : { low, high, mean: sum / count };
  }

  private skip(samples: number): void {
    const fill = Math.min(samples, this.ring.length);
    for (let i = this.end + samples - fill; i < this.end + samples; i++) this.ring[i % this.ring.length] = NaN;
    this.end += samples;
  }
}
