/** Inviting somebody by a link: for whom, in which language, then copied. */
import type { Language, SessionId } from '@events';
import { ApiError, createInvitation } from '../net/api';
import type { Store } from '../state/store';
import { h, icon, replace, setText } from './dom';
import { clockMinutes, languageName } from './format';
import { roleName, type Words } from './words';

/** Whom a clinician may need beside them. A link is for one of them; a second of a kind gets a number. */
const ROLES = ['patient', 'clinician', 'relative', 'colleague'] as const;
const COPIED_MS = 2_500;

export class Invite {
  readonly element: HTMLElement;
  private readonly role: HTMLSelectElement;
  private readonly language = h('select', { id: 'invite-language', class: 'field', 'data-testid': 'invite-language' });
  private readonly create: HTMLButtonElement;
  private readonly result = h('div', { class: 'invite-result' });
  private readonly error = h('p', { class: 'error', role: 'alert' });
  private languages: readonly Language[] = [];

  constructor(
    private readonly session: SessionId,
    private readonly store: Store,
    private readonly words: Words,
  ) {
    const change = (): void => {
      this.pickLanguage();
      replace(this.result);
    };
    this.role = h('select', { id: 'invite-role', class: 'field', 'data-testid': 'invite-role', on: { change } }, ...ROLES.map((r) => h('option', { value: r }, roleName(words, r))));
    this.create = h('button', { type: 'submit', class: 'button primary wide', 'data-testid': 'invite-create' }, icon('copy'), 'Create and copy link');
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.invite();
    };
    this.element = h(
      'form',
      { class: 'invite', on: { submit } },
      h('h3', {}, 'Invite by link'),
      h(
        'div',
        { class: 'form-row' },
        h('div', { class: 'form-field' }, h('label', { for: 'invite-role' }, 'Who'), this.role),
        h('div', { class: 'form-field' }, h('label', { for: 'invite-language' }, 'Speaks'), this.language),
      ),
      this.create,
      this.error,
      this.result,
    );
  }

  /** Suggests somebody who is not in the call yet. */
  prepare(): void {
    const { media, started } = this.store.state;
    const absent = ROLES.find((role) => !media.has(role));
    if (absent !== undefined) this.role.value = absent;
    this.languages = started?.value.languages ?? [];
    replace(this.language, ...this.languages.map((l) => h('option', { value: l }, languageName(l))), h('option', { value: 'und' }, this.words.findOut.replace('my', 'their')));
    this.pickLanguage();
    replace(this.result);
    setText(this.error, '');
  }

  private pickLanguage(): void {
    const [first = 'und', second = first] = this.languages;
    this.language.value = this.role.value === 'patient' || this.role.value === 'relative' ? first : second;
  }

  private async invite(): Promise<void> {
    setText(this.error, '');
    this.create.disabled = true;
    try {
      const made = await createInvitation(this.session, this.role.value, this.language.value);
      const link = new URL(made.link, location.origin).href;
      await this.show(link, made.expires_at);
    } catch (error) {
      setText(this.error, error instanceof ApiError ? error.message : 'The invitation could not be made.');
    }
    this.create.disabled = false;
  }

  private async show(link: string, expires: string): Promise<void> {
    const field = h('input', { class: 'field', readonly: true, value: link, 'aria-label': 'Link', 'data-testid': 'invite-link' });
    field.addEventListener('focus', () => { field.select(); });
    const copied = h('span', { class: 'copied', role: 'status' });
    const copy = async (): Promise<void> => {
      const done = await copyText(link);
      if (!done) field.select();
      setText(copied, done ? 'Copied' : 'Copy it from here');
      if (done) setTimeout(() => { setText(copied, ''); }, COPIED_MS);
    };
    const again = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Copy the link', on: { click: () => void copy() } }, icon('copy'));
    const who = roleName(this.words, this.role.value);
    replace(this.result, h('div', { class: 'link-line' }, field, again), h('p', { class: 'fine' }, `For ${who.toLowerCase()} only; valid until ${clockMinutes(expires)}. `, copied));
    await copy();
  }
}

/** Browsers keep the clipboard from pages that are not secure, and from some that are. */
async function copyText(text: string): Promise<boolean> {
  try {
    await (navigator.clipboard as Clipboard | undefined)?.writeText(text);
    return navigator.clipboard as Clipboard | undefined !== undefined;
  } catch {
    return false;
  }
}
