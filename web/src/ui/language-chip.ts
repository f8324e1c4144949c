/** Which language somebody speaks and how that is known, with a menu to put it right. */
import type { Language, ParticipantId } from '@events';
import type { Connection } from '../net/connection';
import type { Participant, SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, setAttribute, setText } from './dom';
import { languageName, sameLanguage } from './format';
import type { Notices } from './notices';
import type { Popover } from './popover';
import { roleName, sayWhy, type Words } from './words';

export class LanguageChips {
  constructor(
    private readonly store: Store,
    private readonly connection: Connection,
    private readonly popover: Popover,
    private readonly notices: Notices,
    private readonly words: Words,
  ) {}

  chip(participant: ParticipantId): LanguageChip {
    const open = (): void => {
      this.popover.open(chip.element, this.words.speaks, this.menu(participant));
    };
    const chip = new LanguageChip(this.words, open);
    chip.show(this.store.state, participant);
    return chip;
  }

  /** The participant's name, with how their language is known where nobody said it. */
  named(participant: ParticipantId): HTMLButtonElement {
    const known = this.store.state.participants.get(participant);
    const how = known?.language === 'und' ? this.words.unknownLanguage : known?.known === 'detected' ? this.words.detected : '';
    const name = roleName(this.words, participant);
    const open = (): void => {
      this.popover.open(button, this.words.speaks, this.menu(participant));
    };
    const button = h('button', { type: 'button', class: 'present', 'data-speaker': participant, 'aria-haspopup': 'dialog', 'aria-expanded': 'false', on: { click: open } }, how === '' ? name : `${name}, ${how}`);
    return button;
  }

  private menu(participant: ParticipantId): HTMLElement {
    const { state } = this.store;
    const current = state.participants.get(participant);
    const options = [...(state.started?.value.languages ?? []), 'und'].map((language) => this.option(participant, language, current));
    const title = h('h3', {}, `${roleName(this.words, participant)}: ${current === undefined ? '' : described(current, this.words)}`);
    return h('div', { class: 'language-menu' }, title, ...options);
  }

  private option(participant: ParticipantId, language: Language, current: Participant | undefined): HTMLElement {
    const chosen = current !== undefined && sameLanguage(current.language, language);
    const choose = (): void => {
      this.popover.close();
      void this.set(participant, language);
    };
    const label = language === 'und' ? this.words.findOut : languageName(language);
    return h('button', { type: 'button', class: 'menu-item', 'data-language': language, 'aria-pressed': String(chosen), on: { click: choose } }, icon('check'), h('span', {}, label));
  }

  private async set(participant: ParticipantId, language: Language): Promise<void> {
    try {
      await this.connection.send({ command: 'language.set', participant, language });
    } catch (error) {
      this.notices.say(sayWhy(this.words, this.words.notChanged, error));
    }
  }
}

export class LanguageChip {
  readonly element: HTMLButtonElement;

  constructor(
    private readonly words: Words,
    open: () => void,
  ) {
    this.element = h('button', { type: 'button', class: 'language-chip', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', 'data-testid': 'language-chip', on: { click: open } });
  }

  show(state: SessionState, participant: ParticipantId): void {
    const known = state.participants.get(participant);
    this.element.hidden = known === undefined;
    if (known === undefined) return;
    setText(this.element, described(known, this.words));
    setAttribute(this.element, 'data-known', known.language === 'und' ? 'not' : known.known);
    const sure = known.probability === undefined ? undefined : `${Math.round(known.probability * 100)} %`;
    setAttribute(this.element, 'title', sure);
  }
}

/** `Português, detected`. */
export function described({ language, known }: Participant, words: Words): string {
  if (language === 'und') return words.unknownLanguage;
  return known === 'detected' ? `${languageName(language)}, ${words.detected}` : languageName(language);
}
