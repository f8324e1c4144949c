/** What a person in the call hears of those who speak another language, and how loud the interpreter is. */
import type { CallState } from '../call/call';
import type { Hearing } from '../call/mix';
import type { Preference } from '../call/sound';
import { h, setText } from './dom';
import { languageName } from './format';
import type { Words } from './words';

const CHOICES: readonly Hearing[] = ['original', 'both', 'translation'];

export class HearingMenu {
  readonly element: HTMLElement;
  private readonly volume: HTMLInputElement;
  private readonly status = h('p', { class: 'fine', role: 'status' });

  constructor(
    private preference: Preference,
    private readonly words: Words,
    private readonly onChange: (preference: Preference) => void,
  ) {
    const slide = (): void => {
      this.set({ voiceVolume: Number(this.volume.value) / 100 });
    };
    this.volume = h('input', { type: 'range', id: 'voice-volume', min: '0', max: '100', step: '5', value: Math.round(preference.voiceVolume * 100), 'data-testid': 'voice-volume', on: { input: slide } });
    this.element = h(
      'div',
      { class: 'hearing-menu' },
      h('h3', {}, words.hearingTitle),
      h('fieldset', { class: 'choices' }, h('legend', { class: 'sr' }, words.hearingTitle), ...CHOICES.map((c) => this.choice(c))),
      h('div', { class: 'form-field' }, h('label', { for: 'voice-volume' }, words.voiceVolume), this.volume),
      this.status,
    );
  }

  /** For the button that opens the menu. */
  get label(): string {
    return this.words[this.preference.hearing];
  }

  show({ voice, me }: CallState, language: string | undefined): void {
    const wanted = this.preference.hearing !== 'original' && me !== undefined;
    if (!wanted) setText(this.status, '');
    else if (voice.phase === 'live') setText(this.status, `${this.words.translation}: ${language === undefined ? '' : languageName(language)}`);
    else setText(this.status, language === undefined ? this.words.unknownLanguage : this.words.voiceMissing);
  }

  private choice(hearing: Hearing): HTMLElement {
    const hint = { original: this.words.originalHint, both: this.words.bothHint, translation: this.words.translationHint }[hearing];
    const change = (): void => {
      this.set({ hearing });
    };
    const input = h('input', { type: 'radio', name: 'hearing', value: hearing, checked: this.preference.hearing === hearing, 'data-testid': `hearing-${hearing}`, on: { change } });
    return h('label', { class: 'choice' }, input, h('span', {}, h('strong', {}, this.words[hearing]), h('small', {}, hint)));
  }

  private set(change: Partial<Preference>): void {
    this.preference = { ...this.preference, ...change };
    this.onChange(this.preference);
  }
}
