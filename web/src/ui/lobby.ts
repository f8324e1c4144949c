/** Where a session is started or an earlier one opened. */
import type { NewSession, SessionSummary, UnmatchedMessage } from '@events';
import { ApiError, createSession, listSessions, listUnmatched } from '../net/api';
import { h, replace, setText } from './dom';
import { dayTime, languageName } from './format';
import { footer } from './footer';
import { sessionHref } from './session-href';
import { themeButton } from './theme';

/** Languages with models in both directions. */
const LANGUAGES = ['pt', 'en'] as const;
const REFRESH_MS = 5_000;
/** The newest say what a person needs to know; the rest is for the API. */
const MAX_UNMATCHED = 5;

export function openLobby(root: HTMLElement): void {
  document.title = 'HealthSync';
  const lobby = new Lobby();
  root.replaceChildren(lobby.element);
}

class Lobby {
  readonly element: HTMLElement;
  private readonly patient = h('input', { id: 'patient', class: 'field', type: 'text', required: true, maxlength: 64, autocomplete: 'off', spellcheck: 'false', placeholder: 'PID-1001', 'data-testid': 'start-patient' });
  private readonly languages = [languageSelect('patient-language', 'pt'), languageSelect('clinician-language', 'en')] as const;
  private readonly scale = h('select', { id: 'scale', class: 'field' }, h('option', { value: 'scale1' }, 'Scale 1 (most patients)'), h('option', { value: 'scale2' }, 'Scale 2 (confirmed hypercapnic respiratory failure)'));
  private readonly terms = h('input', { id: 'terms', class: 'field', type: 'text', autocomplete: 'off', maxLength: 600, 'data-testid': 'start-terms' });
  private readonly submit = h('button', { type: 'submit', class: 'button primary wide', 'data-testid': 'start-button' }, 'Start session');
  private readonly error = h('p', { class: 'error', role: 'alert' });
  private readonly list = h('div', { class: 'session-list' });
  private readonly unmatched = h('div', { class: 'unmatched' });

  constructor() {
    const head = h('header', { class: 'lobby-head' }, h('a', { class: 'brand', href: '/' }, logo(), 'HealthSync'), themeButton());
    const intro = h('div', { class: 'intro' }, h('h1', {}, 'Two languages, one consultation'), h('p', {}, 'Live captions, translation, vital signs and early warning for a telemedicine call.'));
    this.element = h('div', { class: 'lobby' }, head, h('main', { class: 'lobby-main' }, intro, this.form(), h('section', { class: 'panel sessions', 'aria-labelledby': 'sessions-title' }, h('header', { class: 'sessions-head' }, h('h2', { id: 'sessions-title' }, 'Sessions'), h('a', { class: 'link', href: '/ward' }, 'Ward view')), this.list, this.unmatched)), footer());
    replace(this.list, h('p', { class: 'empty' }, 'Looking for sessions'));
    void this.refresh();
    setInterval(() => {
      if (!document.hidden) void this.refresh();
    }, REFRESH_MS);
  }

  private form(): HTMLElement {
    const [patientLanguage, clinicianLanguage] = this.languages;
    const field = (id: string, label: string, input: HTMLElement, hint?: string): HTMLElement =>
      h('div', { class: 'form-field' }, h('label', { for: id }, label), input, hint !== undefined && h('small', {}, hint));
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.start();
    };
    return h(
      'form',
      { class: 'panel start', on: { submit } },
      h('h2', {}, 'Start a session'),
      field('patient', 'Patient identifier', this.patient, 'As the hospital issues it: bedside monitors find the session by it.'),
      h('div', { class: 'form-row' }, field('patient-language', 'Patient speaks', patientLanguage), field('clinician-language', 'Clinician speaks', clinicianLanguage)),
      h('details', {}, h('summary', {}, 'NEWS2 oxygen saturation scale'), field('scale', 'SpO₂ scale', this.scale, 'Scale 2 only when a clinician has said so.')),
      h('details', {}, h('summary', {}, 'Names to expect'), field('terms', 'Drugs, anatomy, people', this.terms, 'Separated by commas: speech recognition listens for them.')),
      this.error,
      this.submit,
    );
  }

  private async start(): Promise<void> {
    const [first, second] = this.languages.map((s) => s.value);
    const patient = this.patient.value.trim();
    if (first === undefined || second === undefined || first === second) {
      setText(this.error, 'Choose two different languages.');
      return;
    }
    if (/\s/.test(patient)) {
      setText(this.error, 'A patient identifier has no spaces.');
      return;
    }
    setText(this.error, '');
    this.submit.disabled = true;
    const terms = this.terms.value.split(',').map((term) => term.trim()).filter((term) => term !== '');
    const wanted: NewSession = { patient, languages: [first, second], spo2_scale: this.scale.value === 'scale2' ? 'scale2' : 'scale1', terms };
    try {
      const { session } = await createSession(wanted);
      location.assign(sessionHref(session));
    } catch (error) {
      setText(this.error, error instanceof ApiError ? error.message : 'The session could not be started.');
      this.submit.disabled = false;
    }
  }

  private async refresh(): Promise<void> {
    try {
      const [sessions, unmatched] = await Promise.all([listSessions(), listUnmatched()]);
      // A person in the middle of the list must not lose their place to a refresh.
      if (this.list.contains(document.activeElement)) return;
      this.showSessions(sessions);
      this.showUnmatched(unmatched);
    } catch (error) {
      const text = error instanceof ApiError ? error.message : 'The sessions could not be read.';
      replace(this.list, h('p', { class: 'empty' }, text));
    }
  }

  private showSessions(sessions: readonly SessionSummary[]): void {
    const newestFirst = [...sessions].sort((a, b) => Number(a.ended) - Number(b.ended) || b.started_at.localeCompare(a.started_at));
    if (newestFirst.length === 0) {
      replace(this.list, h('p', { class: 'empty' }, 'No sessions yet.'));
      return;
    }
    replace(this.list, h('ul', {}, ...newestFirst.map(sessionItem)));
  }

  private showUnmatched(messages: readonly UnmatchedMessage[]): void {
    if (messages.length === 0) {
      replace(this.unmatched);
      return;
    }
    const patients = [...new Map(messages.map((m) => [m.patient ?? '', m])).values()].slice(0, MAX_UNMATCHED);
    const items = patients.map((m) => {
      const use = (): void => {
        this.patient.value = m.patient ?? '';
        this.patient.focus();
      };
      const who = m.patient === null ? h('span', {}, 'No patient identifier') : h('button', { type: 'button', class: 'link', on: { click: use } }, m.patient);
      return h('li', {}, who, h('time', { datetime: m.received_at }, dayTime(m.received_at)));
    });
    replace(this.unmatched, h('h3', {}, `Monitor messages without a session (${messages.length})`), h('ul', {}, ...items));
  }
}

function sessionItem(s: SessionSummary): HTMLElement {
  return h(
    'li',
    {},
    h(
      'a',
      { class: 'session', href: sessionHref(s.session), 'data-live': !s.ended, 'data-testid': 'session-link' },
      h('span', { class: 'session-patient' }, h('strong', {}, s.patient), h('span', { class: 'sub' }, s.languages.map(languageName).join(' · '))),
      h('span', { class: 'session-when' }, dayTime(s.started_at), h('span', { class: 'sub' }, `${s.head} events`)),
      h('span', { class: 'state', 'data-live': !s.ended }, s.ended ? 'Ended' : 'Live'),
    ),
  );
}

function languageSelect(id: string, selected: string): HTMLSelectElement {
  const options = LANGUAGES.map((l) => h('option', { value: l, selected: l === selected }, languageName(l)));
  return h('select', { id, class: 'field', 'data-testid': id }, ...options);
}

function logo(): HTMLElement {
  return h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 });
}
