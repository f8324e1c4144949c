/** Hearing the translation without being in the call: on or off, in which language, how loud, and whether it speaks now. */
import type { Language, UtteranceId } from '@events';
import { canDecodeOpus } from '../audio/decoder';
import { SpeechPlayer } from '../audio/player';
import type { Connection } from '../net/connection';
import type { SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, replace, setAttribute, setIcon, setText } from './dom';
import { languageName } from './format';
import type { Words } from './words';

export class Hear {
  readonly element: HTMLElement;
  readonly player: SpeechPlayer;
  private readonly toggle: HTMLButtonElement;
  private readonly label = h('span');
  private readonly language = h('select', { 'data-testid': 'hear-language' });
  private readonly mute: HTMLButtonElement;
  private readonly indicator: HTMLElement;
  private readonly cannot: HTMLElement;
  private on = false;
  private muted = false;
  private inCall = false;
  private ended = false;

  constructor(
    store: Store,
    private readonly connection: Connection,
    onPlaying: (utterance: UtteranceId | undefined) => void,
    private readonly words: Words,
  ) {
    this.indicator = h('span', { class: 'speaking', hidden: true }, h('i'), h('i'), h('i'), h('span', {}, words.speaking));
    this.cannot = h('span', { class: 'fine', hidden: true }, words.onlyInCall);
    setAttribute(this.language, 'aria-label', words.hearInto);
    this.player = new SpeechPlayer((utterance) => {
      this.indicator.hidden = utterance === undefined;
      onPlaying(utterance);
    });
    const flip = (): void => {
      this.setOn(!this.on);
    };
    const change = (): void => {
      if (this.on) this.connection.setSpeech(this.language.value);
    };
    const flipMute = (): void => {
      this.setMuted(!this.muted);
    };
    this.toggle = h('button', { type: 'button', class: 'button', 'data-testid': 'hear-toggle', on: { click: flip } }, icon('speaker'), this.label);
    this.language.addEventListener('change', change);
    this.mute = h('button', { type: 'button', class: 'icon-button', hidden: true, on: { click: flipMute } }, icon('speaker'));
    this.element = h('div', { class: 'dock-group hear' }, this.toggle, this.language, this.mute, this.indicator, this.cannot);
    this.show();
    this.setMuted(false);
    store.subscribe((state, previous) => {
      this.update(state, previous);
    });
  }

  /** In the call the interpreter comes with the other voices; out of it, a listener most likely wants their own language. */
  setInCall(inCall: boolean, own: Language): void {
    this.inCall = inCall;
    if (inCall && this.on) this.setOn(false);
    if (!this.on && own !== '' && own !== 'und') this.language.value = own;
    this.show();
  }

  private update(state: SessionState, previous: SessionState): void {
    if (state.started !== previous.started) {
      const languages = state.started?.value.languages ?? [];
      replace(this.language, ...languages.map((l) => h('option', { value: l }, languageName(l))));
      const clinicians = languages[1] ?? languages[0];
      if (clinicians !== undefined) this.language.value = clinicians;
    }
    if (state.ended !== previous.ended) {
      this.ended = state.ended !== undefined;
      this.show();
      if (state.ended !== undefined && this.on) this.setOn(false);
    }
  }

  private setOn(on: boolean): void {
    this.on = on;
    if (on) void this.player.enable();
    else this.player.disable();
    this.connection.setSpeech(on ? this.language.value : undefined);
    this.show();
  }

  private setMuted(muted: boolean): void {
    this.muted = muted;
    this.player.setMuted(muted);
    setIcon(this.mute, muted ? 'speaker-off' : 'speaker');
    setAttribute(this.mute, 'aria-label', muted ? this.words.unmuteTranslation : this.words.muteTranslation);
  }

  private show(): void {
    setText(this.label, this.on ? this.words.stopHearing : this.words.hearTranslation);
    setAttribute(this.element, 'data-on', this.on);
    this.mute.hidden = !this.on;
    this.cannot.hidden = !this.on || canDecodeOpus();
    this.element.hidden = this.inCall || this.ended;
  }
}
