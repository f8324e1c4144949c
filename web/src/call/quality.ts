/** From counters of a connection to words a person can act on. Pure. */

/** Counters as getStats gives them, since the connection began; `undefined` where it does not say. */
export interface Sample {
  readonly atMs: number;
  /** Packets that arrived, for what is received; that were sent, for what is sent. */
  readonly packets: number;
  readonly lost: number;
  readonly bytes: number;
  /** Bytes by kind, to see which of the two has stopped. */
  readonly audioBytes: number;
  readonly videoBytes: number;
  readonly jitterMs: number | undefined;
  readonly rttMs: number | undefined;
}

export interface Measure {
  /** Of the packets of the last interval, 0 to 100. */
  readonly lossPercent: number;
  readonly jitterMs: number | undefined;
  readonly rttMs: number | undefined;
  readonly kbps: number;
}

export type Rating = 'good' | 'fair' | 'poor';

export interface Quality {
  readonly rating: Rating;
  readonly measure: Measure;
  /** Better samples in a row; a rating gets better only after `STEADY` of them. */
  readonly better: number;
}

/** A single good interval between bad ones is luck. */
export const STEADY = 2;

/** ITU-T G.114: up to 150 ms one way is fine for talking, beyond 400 ms is not acceptable. Round trips here. */
const RTT_MS = { fair: 300, poor: 800 } as const;
/** Opus conceals a percent or two; beyond about a tenth words are lost. */
const LOSS_PERCENT = { fair: 2, poor: 8 } as const;
/** ITU-T Y.1541 class 0 and 1: 50 ms of delay variation; jitter buffers ride out half of that without a trace. */
const JITTER_MS = { fair: 30, poor: 80 } as const;

export function measure(before: Sample, after: Sample): Measure {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1_000);
  const packets = Math.max(0, after.packets - before.packets);
  // Packets that come late are counted lost first and taken back later.
  const lost = Math.max(0, after.lost - before.lost);
  const all = packets + lost;
  return {
    lossPercent: all === 0 ? 0 : (100 * lost) / all,
    jitterMs: after.jitterMs,
    rttMs: after.rttMs,
    kbps: (Math.max(0, after.bytes - before.bytes) * 8) / 1_000 / seconds,
  };
}

export function rate({ lossPercent, jitterMs = 0, rttMs = 0 }: Measure): Rating {
  const over = (limit: 'fair' | 'poor'): boolean =>
    lossPercent >= LOSS_PERCENT[limit] || jitterMs >= JITTER_MS[limit] || rttMs >= RTT_MS[limit];
  return over('poor') ? 'poor' : over('fair') ? 'fair' : 'good';
}

const ORDER: Record<Rating, number> = { good: 0, fair: 1, poor: 2 };

/** Worse at once, better only when it stays so. */
export function nextQuality(previous: Quality | undefined, measured: Measure): Quality {
  const rating = rate(measured);
  if (previous === undefined || ORDER[rating] >= ORDER[previous.rating]) return { rating, measure: measured, better: 0 };
  const better = previous.better + 1;
  return better >= STEADY ? { rating, measure: measured, better: 0 } : { rating: previous.rating, measure: measured, better };
}

/** Why a rating is not good, as a person notices it. */
export type Complaint =
  | { readonly kind: 'none' | 'jitter' | 'passing' }
  | { readonly kind: 'loss'; readonly percent: number }
  | { readonly kind: 'delay'; readonly seconds: number };

export function complaint({ rating, measure: m }: Quality): Complaint {
  if (rating === 'good') return { kind: 'none' };
  if (m.lossPercent >= LOSS_PERCENT.fair) return { kind: 'loss', percent: m.lossPercent };
  if ((m.rttMs ?? 0) >= RTT_MS.fair) return { kind: 'delay', seconds: (m.rttMs ?? 0) / 1_000 };
  return { kind: (m.jitterMs ?? 0) >= JITTER_MS.fair ? 'jitter' : 'passing' };
}

/** Samples without a byte of what should come, after which a connection is begun anew; twice as many each time. */
const STALLED_SAMPLES = 4;
/** After this many new connections in vain the next waits about two minutes. */
const MAX_DOUBLINGS = 4;

/** Sees when nothing comes over a connection that looks well. */
export class Stall {
  private dry = 0;
  private vain = 0;

  /**
   * Whether to begin anew. Sound decides where somebody sends it: pictures also stay away when the sender's uplink
   * is too poor for them, and a new connection would only take the sound away too.
   */
  next(before: Sample, after: Sample, expected: { readonly audio: boolean; readonly video: boolean }): boolean {
    const came = after.audioBytes > before.audioBytes || (!expected.audio && after.videoBytes > before.videoBytes);
    if (came || (!expected.audio && !expected.video)) {
      this.dry = 0;
      if (came) this.vain = 0;
      return false;
    }
    this.dry += 1;
    if (this.dry < STALLED_SAMPLES * 2 ** this.vain) return false;
    this.dry = 0;
    this.vain = Math.min(MAX_DOUBLINGS, this.vain + 1);
    return true;
  }
}
