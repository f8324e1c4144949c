/** How loud everybody is for one listener. Pure. */
import type { Language } from '@events';
import { sameLanguage } from '../ui/format';

/** What a listener wants to hear of people who speak another language. */
export type Hearing = 'original' | 'both' | 'translation';

/** Loud enough to follow who speaks and how, quiet enough to understand the interpreter: -16 dB. */
export const DUCKED = 0.15;

export interface Listener {
  readonly hearing: Hearing;
  /** Unknown until it is found out from speech. */
  readonly language: Language | undefined;
  /** 0 to 1. */
  readonly voiceVolume: number;
  /** The interpreter's voice can be heard. */
  readonly voiceLive: boolean;
  readonly voiceSpeaking: boolean;
}

/** Whether the interpreter speaks for somebody of this language to the listener. */
export function interpreted(speaker: Language | undefined, listener: Language | undefined): boolean {
  if (speaker === undefined || listener === undefined || speaker === 'und' || listener === 'und') return false;
  return !sameLanguage(speaker, listener);
}

/** 0 to 1, for a participant who speaks `speaker`. */
export function originalGain(speaker: Language | undefined, listener: Listener): number {
  // Without an interpreter's voice only the original is left: silence would be worse.
  if (listener.hearing === 'original' || !listener.voiceLive || !interpreted(speaker, listener.language)) return 1;
  if (listener.hearing === 'translation') return 0;
  return listener.voiceSpeaking && listener.voiceVolume > 0 ? DUCKED : 1;
}

/** 0 to 1, for the interpreter's voice. */
export function voiceGain(listener: Listener): number {
  return listener.hearing === 'original' ? 0 : Math.min(1, Math.max(0, listener.voiceVolume));
}
