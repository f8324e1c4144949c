/** Whether the interpreter's voice is being heard: from what the server announces and from the sound itself. Pure. */
import type { Language, SpeechId } from '@events';
import { sameLanguage } from '../ui/format';

/** Between two words of one sentence the voice is not over. */
export const HOLD_MS = 500;
/** Sent is not yet heard: the jitter buffer and the network hold about so much. */
export const TAIL_MS = 600;
/** The end of a speech was lost if it has not come by now. */
export const LONGEST_MS = 30_000;
/** Above the noise of a silent Opus stream, below any voice; of `levelOf`, so about -48 dBFS. */
const LEVEL = 0.2;

export class Voice {
  private readonly announced = new Map<SpeechId, number>();
  private until = 0;

  announce(speech: SpeechId, spoken: Language, heard: Language | undefined, nowMs: number): void {
    if (heard === undefined || !sameLanguage(spoken, heard)) return;
    this.announced.set(speech, nowMs);
  }

  complete(speech: SpeechId, interrupted: boolean, nowMs: number): void {
    if (this.announced.delete(speech)) this.until = interrupted ? nowMs : Math.max(this.until, nowMs + TAIL_MS);
  }

  /** What is heard now, 0 to 1. */
  level(level: number, nowMs: number): void {
    if (level >= LEVEL) this.until = Math.max(this.until, nowMs + HOLD_MS);
  }

  speaking(nowMs: number): boolean {
    for (const [speech, at] of this.announced) if (nowMs - at > LONGEST_MS) this.announced.delete(speech);
    return this.announced.size > 0 || nowMs < this.until;
  }

  clear(): void {
    this.announced.clear();
    this.until = 0;
  }
}
