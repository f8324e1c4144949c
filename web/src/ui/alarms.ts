/** Alarms: a banner for those that stand and those just cleared, and a list of all of them. */
import type { AlarmPriority } from '@events';
import type { AlarmEntry, SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, replace } from './dom';
import { clockTime, PRIORITY_NAME } from './format';
import type { Sources } from './sources';

/** A cleared alarm stays in the banner this long, so that nobody wonders where it went. */
const CLEARED_MS = 30_000;
const RANK: Record<AlarmPriority, number> = { high: 0, medium: 1, low: 2 };

export class Alarms {
  /** Assertive: what is added is read out at once. */
  readonly banner = h('div', { class: 'alarms', role: 'alert', 'aria-live': 'assertive', 'aria-relevant': 'additions' });
  readonly history = h('div', { class: 'alarm-history' });
  private readonly shown = new Map<string, { entry: AlarmEntry; element: HTMLElement }>();
  private readonly dismissed = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly sources: Sources,
    /** By the server's clock. */
    private readonly now: () => number,
  ) {
    store.subscribe((state, previous) => {
      if (state.alarms === previous.alarms && previous.head !== 0) return;
      this.renderBanner(state);
      this.renderHistory(state);
    });
  }

  tick(): void {
    if ([...this.shown.values()].some(({ entry }) => entry.cleared !== undefined)) this.renderBanner(this.store.state);
  }

  private renderBanner(state: SessionState): void {
    const wanted = state.alarms.filter((a) => this.inBanner(a)).sort(byUrgency);
    const ids = new Set(wanted.map((a) => a.raised.value.alarm));
    for (const [id, { element }] of this.shown) {
      if (ids.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
    wanted.forEach((entry, i) => {
      const id = entry.raised.value.alarm;
      const known = this.shown.get(id);
      const element = known?.entry === entry ? known.element : this.build(entry);
      if (known !== undefined && known.element !== element) known.element.replaceWith(element);
      this.shown.set(id, { entry, element });
      // An element that moves is announced again: only put what is not in its place.
      if (this.banner.children[i] !== element) this.banner.insertBefore(element, this.banner.children[i] ?? null);
    });
  }

  private inBanner({ raised, cleared }: AlarmEntry): boolean {
    if (this.dismissed.has(raised.value.alarm)) return false;
    return cleared === undefined || this.now() - Date.parse(cleared.at) < CLEARED_MS;
  }

  private build(entry: AlarmEntry): HTMLElement {
    const { raised, cleared } = entry;
    const { alarm, priority, message, because } = raised.value;
    const dismiss = (): void => {
      this.dismissed.add(alarm);
      this.renderBanner(this.store.state);
    };
    const close = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Hide this cleared alarm', on: { click: dismiss } }, icon('close'));
    return h(
      'div',
      { class: 'alarm', 'data-testid': 'alarm', 'data-priority': priority, 'data-state': cleared === undefined ? 'active' : 'cleared' },
      icon('alarm'),
      h('strong', { class: 'priority' }, cleared === undefined ? PRIORITY_NAME[priority] : 'Cleared'),
      h('span', { class: 'message' }, message),
      this.sources.chips([because]),
      h('time', { datetime: raised.at }, clockTime(cleared?.at ?? raised.at)),
      cleared !== undefined && close,
    );
  }

  private renderHistory(state: SessionState): void {
    if (state.alarms.length === 0) {
      replace(this.history, h('p', { class: 'empty' }, 'No alarms in this session.'));
      return;
    }
    const rows = state.alarms.toReversed().map(({ raised, cleared }) =>
      h(
        'li',
        { 'data-priority': raised.value.priority, 'data-state': cleared === undefined ? 'active' : 'cleared' },
        h('time', { datetime: raised.at }, clockTime(raised.at)),
        h(
          'div',
          {},
          h('p', {}, raised.value.message),
          h(
            'p',
            { class: 'fine' },
            `${PRIORITY_NAME[raised.value.priority]} · ${cleared === undefined ? 'active' : `cleared ${clockTime(cleared.at)}`} `,
            this.sources.chips([raised.value.because, ...(cleared === undefined ? [] : [cleared.because])]),
          ),
        ),
      ),
    );
    replace(this.history, h('ul', { class: 'alarm-list' }, ...rows));
  }
}

function byUrgency(a: AlarmEntry, b: AlarmEntry): number {
  const standing = Number(a.cleared !== undefined) - Number(b.cleared !== undefined);
  return standing || RANK[a.raised.value.priority] - RANK[b.raised.value.priority] || b.raised.seq - a.raised.seq;
}
