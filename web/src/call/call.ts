/** One person's part in a call: sends what they choose, receives whoever else sends, hears it as they like. */
import type { Language, ParticipantId, SessionId } from '@events';
import type { Connection } from '../net/connection';
import type { Media, SessionState } from '../state/model';
import type { Store } from '../state/store';
import { sameLanguage } from '../ui/format';
import type { LinkState } from './link';
import type { LocalMedia } from './local-media';
import { muteNeeded } from './muting';
import { Publisher, Watcher, type Identity } from './peers';
import type { Quality } from './quality';
import { Sound, type Preference, type Speaking } from './sound';

/** As often as a person notices a change. */
const STATS_MS = 2_000;
/** `media.mute` is sent no more often, whatever the server makes of it; a person's thumb is slower. */
const MUTE_GAP_MS = 250;
/** A refused or lost one is sent again no sooner. */
const MUTE_RETRY_MS = 1_000;
/** More connections than this and a phone has no power left for any of them. */
const MAX_WATCHED = 8;

export interface Remote {
  readonly participant: ParticipantId;
  readonly language: Language;
  readonly media: Media;
  readonly link: LinkState;
  readonly video: MediaStreamTrack | undefined;
  readonly quality: Quality | undefined;
}

/** Why a call came to nothing: the person joined it from another page or device, or the server or browser refused. */
export type Failure = { readonly kind: 'elsewhere' } | { readonly kind: 'refused'; readonly status: number | undefined };

export interface CallState {
  readonly phase: 'out' | 'joining' | 'in' | 'failed';
  readonly failure?: Failure;
  readonly me: Identity | undefined;
  readonly link: LinkState;
  readonly remotes: readonly Remote[];
  readonly voice: LinkState;
  readonly sending: Quality | undefined;
  /** The server takes sound only. */
  readonly soundOnly: boolean;
  /** The browser wants a click before it plays anything. */
  readonly blocked: boolean;
}

const OUT: CallState = { phase: 'out', me: undefined, link: { phase: 'idle' }, remotes: [], voice: { phase: 'idle' }, sending: undefined, soundOnly: false, blocked: false };
const NOTHING: Media = { audio: 'off', video: 'off' };

export class Call {
  readonly sound: Sound;
  private current: CallState = OUT;
  private me: Identity | undefined;
  private publisher: Publisher | undefined;
  private readonly watchers = new Map<ParticipantId, Watcher>();
  private voice: { readonly language: Language; readonly watcher: Watcher } | undefined;
  private phase: CallState['phase'] = 'out';
  private failure: Failure | undefined;
  private blocked = false;
  private muteSeq = 0;
  private muting = false;
  private statsTimer: ReturnType<typeof setInterval> | undefined;
  private readonly listeners = new Set<(state: CallState) => void>();

  constructor(
    private readonly session: SessionId,
    private readonly store: Store,
    private readonly connection: Connection,
    readonly local: LocalMedia,
    private preference: Preference,
    onSpeaking: (speaking: Speaking) => void,
  ) {
    this.sound = new Sound(preference, onSpeaking, () => { this.block(); });
    local.subscribe((state) => {
      this.publisher?.setLocal(state);
      this.mute();
    });
    store.subscribe((state, previous) => { this.follow(state, previous); });
    addEventListener('online', () => { this.renew(); });
    // Where the browser tells: from one network to another without being offline in between.
    (navigator as { connection?: EventTarget }).connection?.addEventListener('change', () => { this.renew(); });
    addEventListener('pagehide', () => { this.leave(); });
  }

  get state(): CallState {
    return this.current;
  }

  subscribe(listener: (state: CallState) => void): void {
    this.listeners.add(listener);
    listener(this.current);
  }

  join(me: Identity): void {
    this.end();
    this.me = me;
    this.phase = 'joining';
    this.failure = undefined;
    this.publisher = new Publisher(this.session, () => this.identity(me), this.local.state, (state) => { this.published(state); });
    this.publisher.link.open();
    this.sound.start();
    void this.sound.loudspeaker.setSink(this.local.state.choice.audiooutput ?? '');
    this.statsTimer = setInterval(() => void this.measure(), STATS_MS);
    this.update();
  }

  leave(): void {
    if (this.phase === 'out') return;
    this.end();
    this.local.close();
    this.phase = 'out';
    this.report();
  }

  setPreference(preference: Preference): void {
    this.preference = preference;
    this.sound.setPreference(preference);
    this.update();
  }

  /** A click: the browser lets sound play now. */
  unblock(): void {
    this.blocked = false;
    this.sound.loudspeaker.resume();
    this.report();
  }

  /** The language the person speaks, as far as it is known; what they speak is what they want to hear. */
  get language(): Language | undefined {
    const known = this.me === undefined ? undefined : this.store.state.participants.get(this.me.participant)?.language;
    const language = known ?? this.me?.language;
    return language === 'und' ? undefined : language;
  }

  private block(): void {
    this.blocked = true;
    this.report();
  }

  private end(): void {
    clearInterval(this.statsTimer);
    this.publisher?.link.close();
    this.publisher = undefined;
    for (const watcher of this.watchers.values()) watcher.link.close();
    this.watchers.clear();
    this.voice?.watcher.link.close();
    this.voice = undefined;
    this.sound.stop();
    this.me = undefined;
    this.blocked = false;
  }

  private renew(): void {
    if (this.phase !== 'in' && this.phase !== 'joining') return;
    this.publisher?.link.renew();
    for (const watcher of this.watchers.values()) watcher.link.renew();
    this.voice?.watcher.link.renew();
  }

  /** As whom to join again: in the language that somebody has set meanwhile, if anybody has. */
  private identity(me: Identity): Identity {
    const seen = this.store.state.participants.get(me.participant);
    return seen?.known === 'set' ? { ...me, language: seen.language } : me;
  }

  private published(state: LinkState): void {
    const seen = this.me === undefined ? undefined : this.store.state.participants.get(this.me.participant);
    if (state.phase === 'live') this.phase = 'in';
    // Joined from elsewhere meanwhile: both pages would take the other's place for ever.
    if (state.phase === 'waiting' && seen !== undefined && this.publisher?.tookOver(seen.joinedAt) === true) {
      this.fail({ kind: 'elsewhere' });
      return;
    }
    if (state.phase === 'failed') {
      this.fail({ kind: 'refused', status: state.status });
      return;
    }
    this.update();
    this.mute();
  }

  private fail(failure: Failure): void {
    this.end();
    this.local.close();
    this.phase = 'failed';
    this.failure = failure;
    this.report();
  }

  private follow(state: SessionState, previous: SessionState): void {
    if (state.ended !== undefined && previous.ended === undefined) this.leave();
    const same = state.participants === previous.participants && state.media === previous.media;
    if (this.me !== undefined && !same) this.update();
    if (state.head !== previous.head) this.mute();
  }

  /** Brings connections in line with who sends what. */
  private update(): void {
    const { participants, media } = this.store.state;
    const inCall = this.phase === 'in' && this.me !== undefined;
    const wanted = [...media].filter(([id, m]) => id !== this.me?.participant && participants.get(id)?.present === true && (m.audio !== 'off' || m.video !== 'off'));
    const ids = new Set(inCall ? wanted.slice(0, MAX_WATCHED).map(([id]) => id) : []);
    for (const [id, watcher] of this.watchers) {
      if (ids.has(id)) continue;
      watcher.link.close();
      this.watchers.delete(id);
      this.sound.setPerson(id, undefined, undefined);
    }
    for (const id of ids) if (!this.watchers.has(id)) this.watch(id);
    this.listenTo(inCall && this.preference.hearing !== 'original' ? this.language : undefined);
    this.report();
  }

  private watch(of: ParticipantId): void {
    const watcher = new Watcher(this.session, { of }, () => { this.report(); });
    this.watchers.set(of, watcher);
    watcher.link.open();
  }

  private listenTo(language: Language | undefined): void {
    this.sound.setLanguage(this.language);
    // As the session names it: the interpreter knows its languages by these tags.
    const named = language === undefined ? undefined : this.store.state.started?.value.languages.find((l) => sameLanguage(l, language));
    if (named === this.voice?.language) return;
    this.voice?.watcher.link.close();
    this.voice = undefined;
    this.sound.setVoice(undefined, false);
    if (named === undefined) return;
    this.voice = { language: named, watcher: new Watcher(this.session, { speech: named }, () => { this.report(); }) };
    this.voice.watcher.link.open();
  }

  /** Tells the others what is muted, again if a new connection made the server forget. */
  private mute(): void {
    const { me, muting } = this;
    const { microphone, microphoneOn, camera, cameraOn } = this.local.state;
    if (me === undefined || muting || this.phase !== 'in' || this.store.state.head < this.muteSeq) return;
    const wanted = { microphone: microphoneOn && microphone !== undefined, camera: cameraOn && camera !== undefined };
    const needed = muteNeeded(this.store.state.media.get(me.participant), wanted);
    if (needed === undefined) return;
    this.muting = true;
    const again = (ms: number): void => {
      setTimeout(() => {
        this.muting = false;
        this.mute();
      }, ms);
    };
    this.connection.send({ command: 'media.mute', participant: me.participant, ...needed }).then(
      (seq) => {
        this.muteSeq = seq;
        again(MUTE_GAP_MS);
      },
      () => { again(MUTE_RETRY_MS); },
    );
  }

  private async measure(): Promise<void> {
    const { media } = this.store.state;
    const reads = [...this.watchers].map(([id, watcher]) => {
      const sent = media.get(id) ?? NOTHING;
      return watcher.measure({ audio: sent.audio === 'on', video: sent.video === 'on' });
    });
    await Promise.allSettled([...reads, this.publisher?.measure(), this.voice?.watcher.measure({ audio: false, video: false })]);
    this.report();
  }

  private report(): void {
    const { participants, media } = this.store.state;
    const remotes = [...this.watchers].map(([participant, watcher]): Remote => {
      const language = participants.get(participant)?.language ?? 'und';
      this.sound.setPerson(participant, watcher.audio, language);
      const { video, quality } = watcher;
      return { participant, language, media: media.get(participant) ?? NOTHING, link: watcher.link.state, video, quality };
    });
    if (this.voice !== undefined) this.sound.setVoice(this.voice.watcher.audio, this.voice.watcher.link.state.phase === 'live');
    this.current = {
      phase: this.phase,
      ...(this.failure === undefined ? {} : { failure: this.failure }),
      me: this.me,
      link: this.publisher?.link.state ?? { phase: 'idle' },
      remotes,
      voice: this.voice?.watcher.link.state ?? { phase: 'idle' },
      sending: this.publisher?.quality,
      soundOnly: this.publisher?.soundOnly ?? false,
      blocked: this.blocked,
    };
    for (const listener of this.listeners) listener(this.current);
  }
}
