/** What went wrong, discreetly: a counter in the bar, a list behind it, and one passing line for the newest. */
import { describeRefusal } from '../net/messages';
import type { Notice, SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, setAttribute, setText } from './dom';
import { clockTime, COMPONENT_NAME } from './format';
import { Passing } from './passing';
import type { Popover } from './popover';

/** A problem older than this when the page learns of it is history: it goes to the list only. */
const FRESH_MS = 15_000;

export class Notices {
  readonly button: HTMLButtonElement;
  private readonly line = new Passing();
  private readonly count = h('span', { class: 'count' });
  private notices: readonly Notice[] = [];

  constructor(
    store: Store,
    popover: Popover,
    now: () => number,
    /** Patients need not know which part of the server was restarted. */
    private readonly quiet: boolean,
  ) {
    this.button = h('button', { type: 'button', class: 'icon-button notices', 'aria-expanded': 'false', 'data-testid': 'notices' }, icon('bell'), this.count);
    this.button.addEventListener('click', () => {
      popover.open(this.button, 'Technical notices', this.list());
    });
    store.subscribe((state, previous) => {
      if (state.notices === previous.notices && state.head !== 0) return;
      this.render(state, now());
    });
  }

  private render(state: SessionState, now: number): void {
    const newest = state.notices.at(-1);
    const isNew = newest !== undefined && newest !== this.notices.at(-1);
    this.notices = state.notices;
    setText(this.count, this.notices.length === 0 ? '' : String(this.notices.length));
    setAttribute(this.button, 'aria-label', `Technical notices: ${this.notices.length}`);
    if (isNew && !this.quiet && now - Date.parse(newest.at) < FRESH_MS) this.say(describe(newest));
  }

  get passing(): HTMLElement {
    return this.line.element;
  }

  say(text: string): void {
    this.line.say(text);
  }

  private list(): HTMLElement {
    const title = h('h3', {}, 'Technical notices');
    if (this.notices.length === 0) return h('div', { class: 'notice-list' }, title, h('p', { class: 'empty' }, 'Everything has worked so far.'));
    const rows = this.notices
      .toReversed()
      .map((n) => h('li', {}, h('time', { datetime: n.at }, clockTime(n.at)), h('span', {}, describe(n))));
    return h('div', { class: 'notice-list' }, title, h('ul', {}, ...rows));
  }
}

const REJECTED: Record<string, string> = {
  unknown_code: 'unknown code',
  not_a_number: 'not a number',
  unit_mismatch: 'unexpected unit',
  outside_physiology: 'outside physiology',
  not_final: 'not final',
};

export function describe(notice: Notice): string {
  const who = COMPONENT_NAME[notice.component];
  switch (notice.what.kind) {
    case 'error':
      return `${who}: ${describeRefusal(notice.what.error)}`;
    case 'restarted':
      return `${who} was restarted and goes on (${ordinal(notice.what.restarts)} restart).`;
    case 'rejected_vitals': {
      const list = notice.what.rejected.map((r) => `${r.code} (${REJECTED[r.reason] ?? r.reason})`);
      return `${who}: not used from the monitor: ${list.join(', ')}.`;
    }
  }
}

function ordinal(n: number): string {
  const suffix = n % 100 >= 11 && n % 100 <= 13 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return `${n}${suffix}`;
}
