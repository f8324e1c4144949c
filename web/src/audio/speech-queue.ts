/**
 * Order and bounds of synthesised speech, apart from any audio device: one speech after another in the order they
 * began to arrive, each one's frames in order.
 */
import type { SpeechAnnounced, SpeechId, UtteranceId } from '@events';
import { pcmSamples, type SpeechFrame } from '../net/frames';

/** A listener half a minute behind is no longer in the conversation: whole speeches not yet begun give way. */
export const MAX_QUEUED_SECONDS = 30;
/** Frames and announcements travel apart: a few frames may come first. */
const MAX_ORPHANS = 64;
/** Announcements remembered; replayed ones never get frames. */
const MAX_ANNOUNCED = 32;
/** A speech whose next frame does not come in this time has lost its end. */
export const STALL_MS = 3_000;

export interface Chunk {
  readonly speech: SpeechId;
  readonly utterance: UtteranceId;
  readonly sampleRate: number;
  readonly samples: Float32Array<ArrayBuffer>;
}

interface Item {
  readonly announced: SpeechAnnounced;
  readonly waiting: Float32Array<ArrayBuffer>[];
  nextIndex: number;
  begun: boolean;
  finished: boolean;
  touchedMs: number;
}

export class SpeechQueue {
  private readonly announced = new Map<SpeechId, SpeechAnnounced>();
  private orphans: SpeechFrame[] = [];
  private items: Item[] = [];
  private readonly done = new Set<SpeechId>();
  /** Speeches left out because too much was waiting. */
  skipped = 0;

  announce(event: SpeechAnnounced, nowMs: number): void {
    // Web Audio takes any rate within these for certain.
    if (event.codec !== 'pcm_s16le' || event.sample_rate < 8_000 || event.sample_rate > 96_000) return;
    this.announced.set(event.speech, event);
    forgetOldest(this.announced, MAX_ANNOUNCED);
    const mine = this.orphans.filter((frame) => frame.speech === event.speech);
    this.orphans = this.orphans.filter((frame) => frame.speech !== event.speech);
    for (const frame of mine) this.push(frame, nowMs);
  }

  push(frame: SpeechFrame, nowMs: number): void {
    if (this.done.has(frame.speech)) return;
    const announced = this.announced.get(frame.speech);
    if (announced === undefined) {
      this.orphans = [...this.orphans, frame].slice(-MAX_ORPHANS);
      return;
    }
    let item = this.items.find((i) => i.announced.speech === frame.speech);
    if (item === undefined) {
      item = { announced, waiting: [], nextIndex: 0, begun: false, finished: false, touchedMs: nowMs };
      this.items.push(item);
    }
    // A frame missed by a slow listener is gone; one repeated has been heard.
    if (frame.index < item.nextIndex) return;
    item.nextIndex = frame.index + 1;
    item.touchedMs = nowMs;
    item.finished = frame.last;
    const samples = pcmSamples(frame.payload);
    if (samples.length > 0) item.waiting.push(samples);
    this.bound();
  }

  complete(speech: SpeechId): void {
    const item = this.items.find((i) => i.announced.speech === speech);
    if (item !== undefined) item.finished = true;
  }

  /** The next samples to play, if there are any. */
  take(nowMs: number): Chunk | undefined {
    for (;;) {
      const item = this.items[0];
      if (item === undefined) return undefined;
      const samples = item.waiting.shift();
      if (samples !== undefined) {
        item.begun = true;
        const { speech, utterance, sample_rate: sampleRate } = item.announced;
        return { speech, utterance, sampleRate, samples };
      }
      if (!item.finished && nowMs - item.touchedMs < STALL_MS) return undefined;
      this.remove(item);
    }
  }

  get queuedSeconds(): number {
    return this.items.reduce((sum, item) => sum + seconds(item), 0);
  }

  clear(): void {
    for (const item of [...this.items]) this.remove(item);
    this.orphans = [];
  }

  private bound(): void {
    while (this.queuedSeconds > MAX_QUEUED_SECONDS) {
      // Never the one being heard, nor the newest.
      const victim = this.items.slice(0, -1).find((item) => !item.begun);
      if (victim === undefined) return;
      this.remove(victim);
      this.skipped += 1;
    }
  }

  private remove(item: Item): void {
    this.items = this.items.filter((i) => i !== item);
    this.done.add(item.announced.speech);
    forgetOldest(this.done, MAX_ANNOUNCED);
  }
}

function seconds(item: Item): number {
  return item.waiting.reduce((sum, samples) => sum + samples.length, 0) / item.announced.sample_rate;
}

function forgetOldest<K>(kept: Map<K, unknown> | Set<K>, max: number): void {
  while (kept.size > max) {
    const oldest = kept.keys().next();
    if (oldest.done === true) return;
    kept.delete(oldest.value);
  }
}
