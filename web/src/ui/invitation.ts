/** The page behind an invitation: who one is invited as, a look in the mirror, then the consultation. */
import { ApiError, readInvitation, type Invited } from '../net/api';
import { localMedia } from './call-view';
import { openConsultation } from './consultation';
import { h, replace } from './dom';
import { footer } from './footer';
import { Passing } from './passing';
import { PreJoin } from './prejoin';
import { themeButton } from './theme';
import { roleName, wordsFor, type Words } from './words';

export function openInvitation(root: HTMLElement, token: string): void {
  // Until the invitation is read, the browser's own language is the best guess.
  const guess = wordsFor(navigator.language);
  document.title = `${guess.consultation} · HealthSync`;
  document.documentElement.lang = guess.tag;
  const card = h('main', { class: 'invitation-main' }, h('p', { class: 'empty', role: 'status' }, '…'));
  const foot = h('div', {}, footer(guess));
  const page = h('div', { class: 'lobby invitation' }, h('header', { class: 'lobby-head' }, h('span', { class: 'brand' }, h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }), 'HealthSync'), themeButton(guess)), card, foot);
  root.replaceChildren(page);
  const read = async (): Promise<void> => {
    try {
      const invited = await readInvitation(token);
      replace(foot, footer(wordsFor(invited.language)));
      greet(root, card, invited);
    } catch (error) {
      replace(card, refusal(guess, error, () => void read()));
    }
  };
  void read();
}

function greet(root: HTMLElement, card: HTMLElement, invited: Invited): void {
  const { session, participant, language, languages } = invited;
  const words = wordsFor(language);
  document.documentElement.lang = words.tag;
  document.title = `${words.consultation} · HealthSync`;
  const passing = new Passing();
  const local = localMedia();
  local.tell((trouble) => {
    // Why there is no sound or picture is said beside the devices.
    if (trouble.kind === 'lost' || trouble.kind === 'found') passing.say(words.trouble(trouble));
  });
  const preJoin = new PreJoin(local, words, (me) => {
    openConsultation(root, session, { me, local, words });
  });
  preJoin.fix({ participant, language });
  preJoin.setLanguages(languages);
  const head = h('div', { class: 'intro' }, h('h1', { 'data-testid': 'invited-as' }, words.invitedAs(roleName(words, participant))), h('p', {}, words.invitedTo));
  replace(card, head, h('section', { class: 'panel' }, preJoin.element), passing.element);
  void preJoin.open();
}

/** 404: no such invitation; 410: no longer valid, which trying again does not change. */
function refusal(words: Words, error: unknown, again: () => void): HTMLElement {
  const { status, code } = error instanceof ApiError ? error : { status: 0, code: '' };
  const final = status >= 400 && status < 429;
  const text = status !== 410 ? (final ? words.linkUnknown : words.linkFailed) : code === 'session_ended' ? words.linkOver : words.linkExpired;
  const retry = h('button', { type: 'button', class: 'button', on: { click: again } }, words.tryAgain);
  return h('section', { class: 'panel refusal', role: 'alert' }, h('p', { 'data-testid': 'invitation-refused' }, text), !final && retry);
}
