/** Plays synthesised speech through Web Audio, chunk after chunk without gaps. */
import type { SpeechAnnounced, SpeechId, UtteranceId } from '@events';
import type { SpeechFrame } from '../net/frames';
import { SpeechQueue, type Chunk } from './speech-queue';

/** Far enough ahead to ride out a busy main thread and a throttled background tab. */
const LOOKAHEAD_S = 1.5;
/** Before the first chunk of a speech, so that the second is there when the first ends. */
const LEAD_S = 0.08;
const PUMP_MS = 100;

/** Of the decoder's Opus: played without another conversion. */
const CONTEXT_HZ = 48_000;

interface Scheduled {
  readonly source: AudioBufferSourceNode;
  readonly speech: SpeechId;
  readonly utterance: UtteranceId;
  readonly startsAt: number;
  readonly endsAt: number;
}

export class SpeechPlayer {
  private readonly queue = new SpeechQueue();
  private context: AudioContext | undefined;
  private gain: GainNode | undefined;
  private pumpTimer: ReturnType<typeof setInterval> | undefined;
  private scheduled: Scheduled[] = [];
  private cursor = 0;
  private muted = false;
  private playing: UtteranceId | undefined;

  constructor(private readonly onPlaying: (utterance: UtteranceId | undefined) => void) {}

  /** Must be called from a click or key press: browsers start audio only then. */
  async enable(): Promise<void> {
    this.context ??= new AudioContext({ sampleRate: CONTEXT_HZ });
    if (this.gain === undefined) {
      this.gain = this.context.createGain();
      this.gain.connect(this.context.destination);
    }
    this.setMuted(this.muted);
    this.pumpTimer ??= setInterval(() => {
      this.pump();
    }, PUMP_MS);
    await this.context.resume();
  }

  disable(): void {
    clearInterval(this.pumpTimer);
    this.pumpTimer = undefined;
    this.queue.clear();
    for (const { source } of this.scheduled) source.stop();
    this.scheduled = [];
    this.cursor = 0;
    this.report(undefined);
    void this.context?.suspend();
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    if (this.gain !== undefined) this.gain.gain.value = muted ? 0 : 1;
  }

  announce(event: SpeechAnnounced): void {
    this.queue.announce(event, performance.now());
  }

  frame(frame: SpeechFrame): void {
    if (this.pumpTimer === undefined) return;
    if (frame.interrupted) this.interrupt(frame.speech);
    else this.queue.push(frame, performance.now());
    this.pump();
  }

  complete(speech: SpeechId, interrupted: boolean): void {
    if (interrupted) this.interrupt(speech);
    else this.queue.complete(speech);
  }

  /** What has been given to the sound card ahead of its time is taken back too. */
  private interrupt(speech: SpeechId): void {
    this.queue.interrupt(speech);
    const [mine, others] = [this.scheduled.filter((s) => s.speech === speech), this.scheduled.filter((s) => s.speech !== speech)];
    for (const { source } of mine) source.stop();
    this.scheduled = others;
    this.cursor = others.at(-1)?.endsAt ?? 0;
  }

  private pump(): void {
    const context = this.context;
    if (context?.state !== 'running') return;
    while (this.cursor < context.currentTime + LOOKAHEAD_S) {
      const chunk = this.queue.take(performance.now());
      if (chunk === undefined) break;
      this.schedule(context, chunk);
    }
    const now = context.currentTime;
    this.scheduled = this.scheduled.filter((s) => s.endsAt > now);
    this.report(this.scheduled.find((s) => s.startsAt <= now + LEAD_S)?.utterance);
  }

  private schedule(context: AudioContext, chunk: Chunk): void {
    const buffer = context.createBuffer(1, chunk.samples.length, chunk.sampleRate);
    buffer.copyToChannel(chunk.samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    if (this.gain !== undefined) source.connect(this.gain);
    const startsAt = Math.max(this.cursor, context.currentTime + LEAD_S);
    source.start(startsAt);
    this.cursor = startsAt + buffer.duration;
    this.scheduled.push({ source, speech: chunk.speech, utterance: chunk.utterance, startsAt, endsAt: this.cursor });
  }

  private report(utterance: UtteranceId | undefined): void {
    if (utterance === this.playing) return;
    this.playing = utterance;
    this.onPlaying(utterance);
  }
}
