/** The bar above a consultation: whose it is, how the connection stands, and how to end it. */
import { serverNow } from '../net/api';
import { CommandError, type Connection, type ConnectionStatus } from '../net/connection';
import type { SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, replace, setAttribute, setText } from './dom';
import { BAND_NAME, dayTime, elapsed, languageName } from './format';
import type { Notices } from './notices';
import { themeButton } from './theme';
import type { Words } from './words';

export class TopBar {
  readonly element: HTMLElement;
  private readonly patient = h('strong', { class: 'patient' });
  private readonly languages = h('span', { class: 'languages' });
  private readonly clock = h('span', { class: 'clock' });
  private readonly risk = h('span', { class: 'risk-chip', hidden: true });
  private readonly connection = h('span', { class: 'connection', role: 'status', 'data-testid': 'connection-state' });
  private readonly end: HTMLButtonElement;
  private readonly confirm: HTMLDialogElement;
  private state: SessionState;

  constructor(
    store: Store,
    private readonly stream: Connection,
    private readonly notices: Notices,
    /** Somebody who came by an invitation sees the call, not the record, and does not end it. */
    private readonly guest: boolean,
    private readonly words: Words,
  ) {
    this.state = store.state;
    this.confirm = this.endDialog();
    const ask = (): void => {
      this.confirm.showModal();
    };
    this.end = h('button', { type: 'button', class: 'button quiet', 'data-testid': 'end-session', 'aria-label': 'End session', on: { click: ask } }, 'End', h('span', { class: 'roomy' }, 'session'));
    const back = guest ? h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }) : h('a', { class: 'icon-button', href: '/', 'aria-label': 'All sessions' }, icon('back'));
    this.element = h(
      'header',
      { class: 'topbar' },
      back,
      h('div', { class: 'who' }, guest ? h('h1', { class: 'patient-line' }, h('strong', { class: 'patient' }, words.consultation)) : h('h1', { class: 'patient-line' }, h('span', { class: 'term' }, 'Patient '), this.patient), h('span', { class: 'sub' }, this.languages, this.clock, !guest && this.risk)),
      h('div', { class: 'bar-end' }, this.connection, !guest && notices.button, themeButton(words), this.end),
      this.confirm,
    );
    this.setStatus({ phase: 'connecting' });
    this.renderSession();
    store.subscribe((next, previous) => {
      this.state = next;
      if (next.started !== previous.started || next.ended !== previous.ended) this.renderSession();
      if (next.risk !== previous.risk) this.renderRisk();
    });
  }

  tick(): void {
    const { started, ended } = this.state;
    if (started === undefined) return;
    const from = Date.parse(started.at);
    const text = ended === undefined ? elapsed(serverNow() - from) : `${dayTime(from)}, ${elapsed(Date.parse(ended.at) - from)} long`;
    setText(this.clock, text);
  }

  setStatus(status: ConnectionStatus): void {
    this.connection.dataset.state = status.phase;
    switch (status.phase) {
      case 'connecting':
        setText(this.connection, this.words.connecting);
        break;
      case 'live':
        setText(this.connection, this.words.live);
        break;
      case 'waiting': {
        const retry = (): void => {
          this.stream.reconnectNow();
        };
        const button = h('button', { type: 'button', class: 'link', on: { click: retry } }, this.words.retryNow);
        const seconds = Math.max(1, Math.round(status.delayMs / 1_000));
        replace(this.connection, h('span', { class: 'roomy' }, this.words.retryIn(seconds)), button);
        break;
      }
      case 'ended':
        setText(this.connection, this.words.sessionEnded);
        break;
      case 'gone':
        setText(this.connection, this.words.noSession);
    }
  }

  private renderSession(): void {
    const started = this.state.started?.value;
    setText(this.patient, started?.patient ?? '');
    setAttribute(this.patient, 'title', started?.patient);
    setText(this.languages, started?.languages.map(languageName).join(' · ') ?? '');
    this.end.hidden = this.guest || this.state.started === undefined || this.state.ended !== undefined;
    this.tick();
  }

  private renderRisk(): void {
    const risk = this.state.risk?.value;
    this.risk.hidden = risk === undefined;
    setAttribute(this.risk, 'data-band', risk?.band);
    setText(this.risk, risk === undefined ? '' : `NEWS2 ${risk.total} · ${BAND_NAME[risk.band]}`);
  }

  private endDialog(): HTMLDialogElement {
    const close = (): void => {
      dialog.close();
    };
    const finish = (): void => {
      dialog.close();
      void this.finish();
    };
    const dialog = h(
      'dialog',
      { class: 'confirm', 'aria-labelledby': 'end-title' },
      h('h2', { id: 'end-title' }, 'End this session?'),
      h('p', {}, 'Captions and monitoring stop for everyone in it. The record stays readable. A report can only be written before.'),
      h(
        'div',
        { class: 'actions' },
        h('button', { type: 'button', class: 'button', autofocus: true, on: { click: close } }, 'Go on'),
        h('button', { type: 'button', class: 'button danger', 'data-testid': 'end-confirm', on: { click: finish } }, 'End session'),
      ),
    );
    return dialog;
  }

  private async finish(): Promise<void> {
    this.end.disabled = true;
    try {
      await this.stream.send({ command: 'session.end' });
    } catch (error) {
      // The stream may close with the end it was asked for.
      if (this.state.ended === undefined) {
        this.notices.say(error instanceof CommandError ? `Not ended: ${error.message}` : 'The session could not be ended.');
      }
    }
    this.end.disabled = false;
  }
}
