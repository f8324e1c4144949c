/** The ward: every patient with an open session, those who need somebody first on top. */
import type { WardMessage } from '@events';
import { noteServerTime, serverNow, wardUrl } from '../net/api';
import { browserEnvironment, LiveSocket } from '../net/live-socket';
import { browserSchedule } from '../state/store';
import { applyWard, emptyWard, sorted, summary, type Filter, type Patient, type Show, type WardState } from '../state/ward';
import { Announcements } from './announcer';
import { h, icon, setAttribute, setText } from './dom';
import { footer } from './footer';
import { onThemeChange, themeButton } from './theme';
import { VirtualList } from './virtual-list';
import { COLUMNS, ROW_PX, WardRowView } from './ward-row';

const SHOWS: readonly (readonly [Show, string])[] = [
  ['all', 'Everybody'],
  ['alarms', 'With alarms'],
  ['high', 'NEWS2 ≥ 7'],
  ['medium', 'NEWS2 ≥ 5'],
];

export function openWard(root: HTMLElement): void {
  document.title = 'Ward · HealthSync';
  const ward = new Ward();
  root.replaceChildren(ward.element);
  ward.start();
}

class Ward {
  readonly element: HTMLElement;
  private readonly list: VirtualList<Patient>;
  private readonly views = new Map<string, WardRowView>();
  private readonly counts = h('p', { class: 'ward-counts', role: 'status', 'data-testid': 'ward-counts' });
  private readonly connection = h('span', { class: 'connection', role: 'status', 'data-testid': 'connection-state' }, 'Connecting');
  private readonly empty = h('p', { class: 'empty', hidden: true });
  private readonly spoken = h('div', { class: 'sr', 'aria-live': 'polite' });
  private readonly announcements = new Announcements();
  private readonly announced = new Set<string>();
  private readonly socket: LiveSocket;
  private state: WardState = emptyWard;
  private filter: Filter = { text: '', show: 'all' };
  private scheduled = false;

  constructor() {
    this.list = new VirtualList<Patient>(
      { label: 'Patients by risk', rowHeight: ROW_PX, key: (p) => p.row.session, create: (p) => this.view(p) },
      head(),
    );
    this.element = h(
      'div',
      { class: 'app ward' },
      h(
        'header',
        { class: 'topbar ward-bar' },
        h('a', { class: 'icon-button', href: '/', 'aria-label': 'All sessions' }, icon('back')),
        h('div', { class: 'who' }, h('h1', {}, 'Ward'), this.counts),
        this.search(),
        this.shows(),
        h('div', { class: 'bar-end' }, this.connection, themeButton()),
      ),
      h('main', { class: 'panel ward-main' }, this.list.element, this.empty),
      footer(),
      this.spoken,
    );
    const listener = {
      opened: () => { this.setLive(true); },
      message: (data: unknown) => { this.receive(data); },
      lost: () => { this.setLive(false); },
    };
    this.socket = new LiveSocket(listener, browserEnvironment(wardUrl));
    onThemeChange(() => { for (const view of this.views.values()) view.recolour(); });
  }

  start(): void {
    this.socket.start();
    addEventListener('online', () => { this.socket.reconnectNow(); });
    setInterval(() => { if (!document.hidden) this.tick(); }, 1_000);
  }

  private view(patient: Patient): WardRowView {
    const view = new WardRowView(patient);
    this.views.set(patient.row.session, view);
    return view;
  }

  private search(): HTMLElement {
    const input = h('input', { class: 'field', type: 'search', placeholder: 'Find a patient', 'aria-label': 'Find a patient', autocomplete: 'off', spellcheck: 'false', 'data-testid': 'ward-search' });
    input.addEventListener('input', () => { this.narrow({ ...this.filter, text: input.value }); });
    return input;
  }

  private shows(): HTMLElement {
    const group = h('fieldset', { class: 'segmented' }, h('legend', { class: 'sr' }, 'Patients shown'));
    SHOWS.forEach(([show, label], i) => {
      const change = (): void => { this.narrow({ ...this.filter, show }); };
      group.append(h('label', {}, h('input', { type: 'radio', name: 'show', checked: i === 0, on: { change } }), h('span', {}, label)));
    });
    return group;
  }

  private narrow(filter: Filter): void {
    this.filter = filter;
    this.list.element.scrollTop = 0;
    this.render();
  }

  private setLive(live: boolean): void {
    setText(this.connection, live ? 'Live' : 'Not connected: values may be old');
    setAttribute(this.connection, 'data-phase', live ? 'live' : 'waiting');
    setAttribute(this.element, 'data-offline', !live);
  }

  private receive(data: unknown): void {
    if (typeof data !== 'string') return;
    const message = JSON.parse(data) as WardMessage;
    this.state = applyWard(this.state, message);
    noteServerTime(this.state.at);
    this.announce(message);
    if (this.scheduled) return;
    this.scheduled = true;
    browserSchedule(() => {
      this.scheduled = false;
      this.render();
    });
  }

  /** What stands when the page opens is seen; what comes is said. */
  private announce(message: WardMessage): void {
    for (const row of message.rows) {
      for (const alarm of row.alarms ?? []) {
        if (this.announced.has(alarm.alarm)) continue;
        this.announced.add(alarm.alarm);
        if (message.ward === 'changes' && alarm.priority === 'high') this.announcements.offer(`${row.patient}: ${alarm.message}.`);
      }
    }
  }

  private render(): void {
    const shown = sorted(this.state, this.filter);
    this.list.set(shown);
    const inSight = new Set(this.list.shown.map((p) => p.row.session));
    for (const session of this.views.keys()) if (!inSight.has(session)) this.views.delete(session);
    const { patients, high, medium, alarms, technical } = summary(this.state);
    const equipment = technical === 0 ? '' : ` (${technical} technical only)`;
    const text = `${patients} ${patients === 1 ? 'patient' : 'patients'} · ${high} high · ${medium} medium · ${alarms} with alarms${equipment}`;
    setText(this.counts, this.state.complete ? text : `${text} · still reading records`);
    this.empty.hidden = shown.length > 0;
    setText(this.empty, patients > 0 ? 'Nobody matches.' : this.state.complete ? 'No open sessions.' : 'Reading records.');
  }

  private tick(): void {
    for (const view of this.views.values()) view.tick();
    const text = this.announcements.take(serverNow());
    if (text !== undefined) setText(this.spoken, text);
  }
}

function head(): HTMLElement {
  const titles = ['NEWS2', 'Patient', ...COLUMNS.map((c) => c.label), 'Last half hour', 'Alarms'];
  const cells = titles.map((title) => h('div', { role: 'columnheader' }, title));
  return h('div', { class: 'ward-head', role: 'rowgroup' }, h('div', { class: 'ward-row', role: 'row', 'aria-rowindex': 1 }, ...cells));
}
