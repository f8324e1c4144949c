/** Typing instead of speaking. */
import { CommandError, type Connection } from '../net/connection';
import type { Store } from '../state/store';
import { h, icon, setText } from './dom';
import { languageName, speakerName } from './format';
import type { Microphone } from './microphone';

/** `MAX_CHAT_CHARS` of protocols/events. */
const MAX_CHARS = 4_000;

export class Composer {
  readonly element: HTMLFormElement;
  private readonly input: HTMLInputElement;
  private readonly error = h('p', { class: 'error', role: 'alert' });

  constructor(
    store: Store,
    private readonly connection: Connection,
    private readonly microphone: Microphone,
  ) {
    this.input = h('input', { type: 'text', class: 'field', maxlength: MAX_CHARS, autocomplete: 'off', 'aria-label': 'Message', 'data-testid': 'chat-input' });
    const send = h('button', { type: 'submit', class: 'icon-button', 'aria-label': 'Send' }, icon('send'));
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
    const { role, spokenLanguage } = this.microphone;
    const language = spokenLanguage === '' ? '' : ` in ${languageName(spokenLanguage)}`;
    this.input.placeholder = `Type as ${speakerName(role).toLowerCase()}${language}`;
    this.input.lang = spokenLanguage;
  }

  private async send(): Promise<void> {
    const text = this.input.value.trim();
    if (text === '') return;
    setText(this.error, '');
    const { role: participant, spokenLanguage: language } = this.microphone;
    try {
      await this.connection.send({ command: 'chat.send', participant, language, text });
      this.input.value = '';
    } catch (error) {
      setText(this.error, error instanceof CommandError ? `Not sent: ${error.message}` : 'Not sent.');
    }
  }
}
