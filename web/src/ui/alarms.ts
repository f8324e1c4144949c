/** Alarms: a banner for those that stand and those just cleared, where they are answered, and a list of all of them. */
import type { AlarmId } from '@events';
import type { Identity } from '../call/peers';
import { CommandError, type Connection } from '../net/connection';
import { byUrgency } from '../state/alarms';
import type { AlarmEntry, SessionState } from '../state/model';
import type { Store } from '../state/store';
import { AlarmHistory } from './alarm-history';
import { AlarmRow, SILENCE_SECONDS, type Answer, type AnswerKind } from './alarm-row';
import { className, newestAt, saying } from './alarm-words';
import { h, setText } from './dom';
import type { Sources } from './sources';

/** A cleared alarm stays in the banner this long, so that nobody wonders where it went. */
const CLEARED_MS = 30_000;
/** What became of an alarm longer ago when the page learns of it is history: it is not read out. */
const FRESH_MS = 20_000;

const REFUSED: Readonly<Record<AnswerKind, string>> = { acknowledge: 'Not acknowledged.', silence: 'Not silenced.' };

export class Alarms {
  readonly element: HTMLElement;
  readonly history: HTMLElement;
  /** Assertive: what is added is read out at once, and nothing else of the banner with it. */
  private readonly banner = h('div', { class: 'alarms', role: 'alert', 'aria-live': 'assertive', 'aria-relevant': 'additions', 'aria-atomic': 'false' });
  private readonly said = h('div', { class: 'sr', 'aria-live': 'polite', 'data-testid': 'alarm-said' });
  private readonly called = h('div', { class: 'sr', 'aria-live': 'assertive', 'data-testid': 'alarm-called' });
  private readonly list: AlarmHistory;
  private readonly rows = new Map<AlarmId, AlarmRow>();
  private readonly answers = new Map<AlarmId, Answer>();
  private readonly dismissed = new Set<AlarmId>();

  constructor(
    private readonly store: Store,
    private readonly sources: Sources,
    private readonly connection: Pick<Connection, 'send'>,
    /** As whom alarms are answered. */
    private readonly identity: () => Pick<Identity, 'participant'>,
    /** By the server's clock. */
    private readonly now: () => number,
  ) {
    this.list = new AlarmHistory(sources);
    this.history = this.list.element;
    this.element = h('section', { class: 'alarm-area', 'aria-label': 'Alarms' }, this.banner, this.said, this.called);
    store.subscribe((state, previous) => {
      this.settle(state);
      if (state.ended !== previous.ended) this.renderBanner(state);
      if (state.alarms === previous.alarms && previous.head !== 0) return;
      this.say(state, previous);
      this.renderBanner(state);
      this.list.render(state);
    });
  }

  /** Once a second: cleared alarms leave, and silences end. */
  tick(): void {
    const { state } = this.store;
    if (state.alarms.some((a) => a.silenced !== undefined || a.cleared !== undefined)) this.renderBanner(state);
  }

  private renderBanner(state: SessionState): void {
    const wanted = state.alarms.filter((a) => this.inBanner(a)).sort(byUrgency);
    const ids = new Set(wanted.map((a) => a.raised.value.alarm));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
      this.answers.delete(id);
    }
    const now = this.now();
    const open = state.ended === undefined;
    const raised = wanted.some(({ raised: { value } }) => value.priority === 'high' && !this.rows.has(value.alarm));
    const elements = wanted.map((entry) => {
      const id = entry.raised.value.alarm;
      const row = this.rows.get(id) ?? this.row(entry);
      row.update(entry, now, this.answers.get(id), open);
      return row.element;
    });
    arrange(this.banner, elements);
    // A long list may be scrolled: what is new and urgent is at its top.
    if (raised) this.banner.scrollTop = 0;
  }

  private row(entry: AlarmEntry): AlarmRow {
    const { alarm, because } = entry.raised.value;
    const actions = {
      answer: (id: AlarmId, what: AnswerKind): void => void this.answer(id, what),
      hide: (id: AlarmId): void => {
        this.dismissed.add(id);
        this.renderBanner(this.store.state);
      },
    };
    const row = new AlarmRow(entry, className(entry), this.sources.chips([because]), actions);
    this.rows.set(alarm, row);
    return row;
  }

  private inBanner({ raised, cleared }: AlarmEntry): boolean {
    if (this.dismissed.has(raised.value.alarm)) return false;
    return cleared === undefined || this.now() - Date.parse(cleared.at) < CLEARED_MS;
  }

  /** Sends an answer. What it changes is shown once it is an event, never before. */
  private async answer(alarm: AlarmId, what: AnswerKind): Promise<void> {
    const earlier = this.answers.get(alarm);
    if (earlier !== undefined && earlier.refused === undefined) return;
    this.put(alarm, { what });
    const { participant } = this.identity();
    try {
      const command = what === 'acknowledge' ? { command: 'alarm.acknowledge', participant, alarm } as const : { command: 'alarm.silence', participant, alarm, seconds: SILENCE_SECONDS } as const;
      const until = await this.connection.send(command);
      this.put(alarm, { what, until });
      this.settle(this.store.state);
    } catch (error) {
      const refused = error instanceof CommandError ? `${REFUSED[what]} ${error.message}` : REFUSED[what];
      this.put(alarm, { what, refused });
      setText(this.called, refused);
    }
  }

  /** Whoever answers by keyboard is back at their control once it can be used. */
  private put(alarm: AlarmId, answer: Answer | undefined): void {
    const row = this.rows.get(alarm);
    const focused = row?.hasFocus === true;
    const what = answer?.what ?? this.answers.get(alarm)?.what;
    if (answer === undefined) this.answers.delete(alarm);
    else if (row !== undefined) this.answers.set(alarm, answer);
    this.renderBanner(this.store.state);
    if (focused && what !== undefined) this.rows.get(alarm)?.focus(what);
  }

  /** An answer is under way until its event is here. */
  private settle(state: SessionState): void {
    for (const [alarm, { until }] of this.answers) if (until !== undefined && state.head >= until) this.put(alarm, undefined);
  }

  private say(state: SessionState, previous: SessionState): void {
    const before = new Map(previous.alarms.map((entry) => [entry.raised.value.alarm, entry]));
    const sayings = state.alarms.flatMap((entry) => {
      const known = before.get(entry.raised.value.alarm);
      const said = known === entry || this.now() - newestAt(entry) > FRESH_MS ? undefined : saying(known, entry);
      return said === undefined ? [] : [said];
    });
    for (const [element, urgent] of [[this.called, true], [this.said, false]] as const) {
      const texts = sayings.filter((said) => said.urgent === urgent).map((said) => said.text);
      if (texts.length > 0) setText(element, texts.join('. '));
    }
  }
}

/** Puts rows into their order. An element that moves is read out again, so what has to make way moves, not the rest. */
function arrange(banner: HTMLElement, elements: readonly HTMLElement[]): void {
  const focused = document.activeElement;
  elements.forEach((element, i) => {
    if (element.parentElement !== banner) banner.insertBefore(element, banner.children[i] ?? null);
    for (let other = banner.children[i]; other !== undefined && other !== element; other = banner.children[i]) banner.append(other);
  });
  // What moves loses the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement && banner.contains(focused)) focused.focus({ preventScroll: true });
}
