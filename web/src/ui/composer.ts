/** Typing instead of speaking. */
import type { Identity } from '../call/peers';
import type { Connection } from '../net/connection';
import type { Store } from '../state/store';
import { h, icon, setText } from './dom';
import { languageName } from './format';
import { roleName, sayWhy, type Words } from './words';

/** `MAX_CHAT_CHARS` of protocols/events. */
const MAX_CHARS = 4_000;

export class Composer {
  readonly element: HTMLFormElement;
  private readonly input: HTMLInputElement;
  private readonly error = h('p', { class: 'error', role: 'alert' });

  constructor(
    private readonly store: Store,
    private readonly connection: Connection,
    private readonly identity: () => Identity,
    private readonly words: Words,
  ) {
    this.input = h('input', { type: 'text', class: 'field', maxlength: MAX_CHARS, autocomplete: 'off', 'aria-label': words.message, 'data-testid': 'chat-input' });
    const send = h('button', { type: 'submit', class: 'icon-button', 'aria-label': words.send }, icon('send'));
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.send();
    };
    this.element = h('form', { class: 'composer', on: { submit } }, this.input, send, this.error);
    store.subscribe((state, previous) => {
      if (state.started !== previous.started) this.describe();
      if (state.ended !== previous.ended) this.element.hidden = state.ended !== undefined;
    });
    this.element.addEventListener('focusin', () => {
      this.describe();
    });
    this.describe();
  }

  /** Says as whom and in what language the message goes out. */
  describe(): void {
    const { participant, language } = this.speaker();
    this.input.placeholder = this.words.typeAs(roleName(this.words, participant), language === 'und' ? '' : languageName(language));
    this.input.lang = language === 'und' ? '' : language;
  }

  /** A language found out from speech is the one they will write. */
  private speaker(): Identity {
    const me = this.identity();
    const known = this.store.state.participants.get(me.participant);
    return me.language === 'und' && known !== undefined ? { ...me, language: known.language } : me;
  }

  private async send(): Promise<void> {
    const text = this.input.value.trim();
    if (text === '') return;
    setText(this.error, '');
    const { participant, language } = this.speaker();
    try {
      await this.connection.send({ command: 'chat.send', participant, language, text });
      this.input.value = '';
    } catch (error) {
      setText(this.error, sayWhy(this.words, this.words.notSent, error));
    }
  }
}
