/**
 * Order and bounds of synthesised speech, apart from any audio device: one speech after another in the order they
 * began to arrive, each one's frames in order.
 */
import type { SpeechAnnounced, SpeechId, UtteranceId } from '@events';
import type { SpeechFrame } from '../net/frames';
import { makeDecoder, type Decoded, type Decoder, type MakeDecoder } from './decoder';

/** A listener half a minute behind is no longer in the conversation: whole speeches not yet begun give way. */
export const MAX_QUEUED_SECONDS = 30;
/** Frames and announcements travel apart: a few frames, of 20 ms or more, may come first. */
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
  readonly waiting: Decoded[];
  readonly decoder: Decoder;
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

  constructor(private readonly decoderFor: MakeDecoder = makeDecoder) {}

  announce(event: SpeechAnnounced, nowMs: number): void {
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
    if (frame.interrupted) {
      this.interrupt(frame.speech);
      return;
    }
    const item = this.items.find((i) => i.announced.speech === frame.speech) ?? this.begin(announced, nowMs);
    // A frame missed by a slow listener is gone; one repeated has been heard.
    if (item === undefined || frame.index < item.nextIndex) return;
    item.nextIndex = frame.index + 1;
    item.touchedMs = nowMs;
    item.decoder.decode(frame.payload);
    if (frame.last) finish(item);
    this.bound();
  }

  complete(speech: SpeechId): void {
    const item = this.items.find((i) => i.announced.speech === speech);
    if (item !== undefined) finish(item);
  }

  /** Somebody took the turn: nothing more of this speech is to be heard, whatever still comes of it. */
  interrupt(speech: SpeechId): void {
    const item = this.items.find((i) => i.announced.speech === speech);
    if (item !== undefined) this.remove(item);
    else this.forget(speech);
  }

  /** The next samples to play, if there are any. */
  take(nowMs: number): Chunk | undefined {
    for (;;) {
      const item = this.items[0];
      if (item === undefined) return undefined;
      const decoded = item.waiting.shift();
      if (decoded !== undefined) {
        item.begun = true;
        const { speech, utterance } = item.announced;
        return { speech, utterance, ...decoded };
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

  /** `undefined` for a speech that cannot be decoded here. */
  private begin(announced: SpeechAnnounced, nowMs: number): Item | undefined {
    const waiting: Decoded[] = [];
    const decoder = this.decoderFor(announced, (decoded) => waiting.push(decoded));
    if (decoder === undefined) return undefined;
    const item = { announced, waiting, decoder, nextIndex: 0, begun: false, finished: false, touchedMs: nowMs };
    this.items.push(item);
    return item;
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
    item.decoder.close();
    this.forget(item.announced.speech);
  }

  private forget(speech: SpeechId): void {
    this.done.add(speech);
    forgetOldest(this.done, MAX_ANNOUNCED);
  }
}

function finish(item: Item): void {
  item.decoder.end(() => {
    item.finished = true;
  });
}

function seconds(item: Item): number {
  return item.waiting.reduce((sum, { samples, sampleRate }) => sum + samples.length / sampleRate, 0);
}

function forgetOldest<K>(kept: Map<K, unknown> | Set<K>, max: number): void {
  while (kept.size > max) {
    const oldest = kept.keys().next();
    if (oldest.done === true) return;
    kept.delete(oldest.value);
  }
}
