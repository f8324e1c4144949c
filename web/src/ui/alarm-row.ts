/** One alarm of the banner, and the controls to answer it. It stays the same element while it stands. */
import type { AlarmId } from '@events';
import { isTechnical, phaseOf, silentUntil } from '../state/alarms';
import type { AlarmEntry } from '../state/model';
import { statusLines } from './alarm-words';
import { h, icon, setAttribute, setText } from './dom';
import { clockTime, PRIORITY_NAME } from './format';

export type AnswerKind = 'acknowledge' | 'silence';

/** An answer somebody gives: under way, or refused and why. */
export interface Answer {
  readonly what: AnswerKind;
  /** Under way until the event of this number is here; not known before the server has accepted it. */
  readonly until?: number;
  readonly refused?: string;
}

export interface AlarmActions {
  answer(alarm: AlarmId, what: AnswerKind): void;
  hide(alarm: AlarmId): void;
}

/** A monitor's audio pause; the server takes up to `MAX_SILENCE_SECONDS` (300), and who needs longer says so again. */
export const SILENCE_SECONDS = 120;
const SILENCE_LABEL = `Silence ${SILENCE_SECONDS / 60} min`;
const SILENCE_TITLE = 'Its sound is off for two minutes, and it does not call again meanwhile. An alarm raised later sounds all the same.';

export class AlarmRow {
  readonly element: HTMLElement;
  private readonly label = h('strong', { class: 'priority' });
  private readonly status = h('span', { class: 'alarm-status' });
  private readonly refusal = h('span', { class: 'alarm-refusal', 'data-testid': 'alarm-refusal' });
  private readonly time = h('time');
  private readonly acknowledge: HTMLButtonElement;
  private readonly silence: HTMLButtonElement;
  private readonly close: HTMLButtonElement;

  constructor({ raised: { value: raised } }: AlarmEntry, entryClass: string, chips: HTMLElement, actions: AlarmActions) {
    const { alarm, message, priority } = raised;
    const button = (what: AnswerKind, label: string): HTMLButtonElement =>
      h('button', { type: 'button', class: 'button small', 'data-testid': `alarm-${what}`, 'aria-label': `${label}: ${message}`, on: { click: () => { actions.answer(alarm, what); } } }, label);
    this.acknowledge = button('acknowledge', 'Acknowledge');
    this.silence = button('silence', SILENCE_LABEL);
    setAttribute(this.silence, 'title', SILENCE_TITLE);
    this.close = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Hide this cleared alarm', on: { click: () => { actions.hide(alarm); } } }, icon('close'));
    const technical = isTechnical(raised);
    this.element = h(
      'div',
      { class: 'alarm', 'data-testid': 'alarm', 'data-priority': priority, 'data-class': technical ? 'technical' : 'clinical', tabindex: '-1', role: 'group', 'aria-label': `${entryClass} alarm: ${message}` },
      icon(technical ? 'sensor' : 'alarm'),
      this.label,
      h('span', { class: 'alarm-class' }, entryClass),
      h('div', { class: 'message' }, h('span', {}, message), this.status, this.refusal),
      chips,
      this.time,
      h('div', { class: 'alarm-answers' }, this.acknowledge, this.silence),
      this.close,
    );
  }

  /** `open`: the session goes on, so that it can be answered. */
  update(entry: AlarmEntry, now: number, answer: Answer | undefined, open: boolean): void {
    const { raised, cleared } = entry;
    const phase = phaseOf(entry);
    setAttribute(this.element, 'data-state', phase);
    setAttribute(this.element, 'data-silent', silentUntil(entry, now) !== undefined);
    setText(this.label, phase === 'cleared' ? 'Cleared' : PRIORITY_NAME[raised.value.priority]);
    setText(this.status, statusLines(entry, now).join(' · '));
    setText(this.refusal, answer?.refused ?? '');
    const at = cleared?.at ?? raised.at;
    setText(this.time, clockTime(at));
    setAttribute(this.time, 'datetime', at);
    const busy = answer !== undefined && answer.refused === undefined;
    const held = this.hasFocus;
    for (const button of [this.acknowledge, this.silence]) {
      button.hidden = !open || phase === 'cleared' || phase === 'acknowledged';
      button.disabled = busy;
    }
    // A control that goes, or is disabled, takes the focus with it: whoever uses the keyboard stays at the alarm.
    if (held && (this.acknowledge.hidden || busy)) this.element.focus({ preventScroll: true });
    this.close.hidden = phase !== 'cleared';
  }

  /** On the alarm or a control that answers it. */
  get hasFocus(): boolean {
    const at = document.activeElement;
    return at === this.element || at === this.acknowledge || at === this.silence;
  }

  /** Back to the control that somebody pressed, as far as it is there. */
  focus(what: AnswerKind): void {
    const button = what === 'acknowledge' ? this.acknowledge : this.silence;
    if (!button.hidden && !button.disabled) button.focus({ preventScroll: true });
  }
}
