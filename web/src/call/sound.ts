/** What one person hears of a call: everybody's own voice and the interpreter's, mixed as they chose. */
import type { Language, ParticipantId, SpeechAnnounced, SpeechCompleted } from '@events';
import { probe, type Probe } from '../audio/levels';
import { wasInterrupted } from '../net/frames';
import { Loudspeaker } from './loudspeaker';
import { originalGain, voiceGain, type Hearing, type Listener } from './mix';
import { Voice } from './voice';

/** Often enough that ducking and the frame around a speaker follow a voice. */
const POLL_MS = 100;
/** Above this somebody speaks; of `levelOf`, so about -42 dBFS. */
const SPEAKING = 0.3;
/** A frame that goes out between two words would flicker. */
const SPEAKING_HOLD_MS = 600;
const VOICE = 'interpreter';

export interface Preference {
  readonly hearing: Hearing;
  /** 0 to 1. */
  readonly voiceVolume: number;
}

interface Heard {
  readonly track: MediaStreamTrack;
  readonly probe: Probe;
  language: Language | undefined;
  spokeAt: number;
}

export interface Speaking {
  readonly people: ReadonlySet<ParticipantId>;
  readonly voice: boolean;
}

export class Sound {
  readonly loudspeaker: Loudspeaker;
  private readonly people = new Map<ParticipantId, Heard>();
  private voiceTrack: { readonly track: MediaStreamTrack; readonly probe: Probe } | undefined;
  private readonly voice = new Voice();
  private listener: Listener;
  private timer: ReturnType<typeof setInterval> | undefined;
  private shown = '';

  constructor(
    preference: Preference,
    private readonly onSpeaking: (speaking: Speaking) => void,
    onBlocked: () => void,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.loudspeaker = new Loudspeaker(onBlocked);
    this.listener = { ...preference, language: undefined, voiceLive: false, voiceSpeaking: false };
  }

  start(): void {
    this.timer ??= setInterval(() => { this.poll(); }, POLL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    for (const id of [...this.people.keys()]) this.setPerson(id, undefined, undefined);
    this.setVoice(undefined, false);
    this.voice.clear();
    this.loudspeaker.clear();
    this.poll();
  }

  setPreference(preference: Preference): void {
    this.listen(preference);
  }

  setLanguage(language: Language | undefined): void {
    if (language !== this.listener.language) this.voice.clear();
    this.listen({ language });
  }

  setPerson(id: ParticipantId, track: MediaStreamTrack | undefined, language: Language | undefined): void {
    const known = this.people.get(id);
    if (known !== undefined && known.track === track) {
      known.language = language;
      this.mix();
      return;
    }
    known?.probe.stop();
    this.people.delete(id);
    if (track === undefined) {
      this.loudspeaker.remove(id);
      return;
    }
    this.people.set(id, { track, probe: probe(track), language, spokeAt: -Infinity });
    this.loudspeaker.play(id, track);
    this.mix();
  }

  setVoice(track: MediaStreamTrack | undefined, live: boolean): void {
    if (this.voiceTrack?.track !== track) {
      this.voiceTrack?.probe.stop();
      this.voiceTrack = track === undefined ? undefined : { track, probe: probe(track) };
      if (track === undefined) this.loudspeaker.remove(VOICE);
      else this.loudspeaker.play(VOICE, track);
    }
    this.listen({ voiceLive: live });
  }

  announced(event: SpeechAnnounced): void {
    this.voice.announce(event.speech, event.language, this.listener.language, this.now());
    this.poll();
  }

  completed(event: SpeechCompleted): void {
    this.voice.complete(event.speech, wasInterrupted(event), this.now());
  }

  private listen(change: Partial<Listener>): void {
    this.listener = { ...this.listener, ...change };
    this.mix();
  }

  private poll(): void {
    const now = this.now();
    if (this.voiceTrack !== undefined) this.voice.level(this.voiceTrack.probe.level(), now);
    for (const heard of this.people.values()) if (heard.probe.level() >= SPEAKING) heard.spokeAt = now;
    const voiceSpeaking = this.listener.voiceLive && this.voice.speaking(now);
    if (voiceSpeaking !== this.listener.voiceSpeaking) this.listen({ voiceSpeaking });
    const people = new Set([...this.people].filter(([, heard]) => now - heard.spokeAt < SPEAKING_HOLD_MS).map(([id]) => id));
    const shown = `${[...people].join()} ${voiceSpeaking}`;
    if (shown === this.shown) return;
    this.shown = shown;
    this.onSpeaking({ people, voice: voiceSpeaking });
  }

  private mix(): void {
    for (const [id, { language }] of this.people) this.loudspeaker.setGain(id, originalGain(language, this.listener));
    this.loudspeaker.setGain(VOICE, voiceGain(this.listener));
  }
}
