/** One consultation: puts the stream, the fold and the views together. */
import type { SessionId } from '@events';
import type { SpeechPlayer } from '../audio/player';
import { ApiError, eventsUrl, getSession, serverNow } from '../net/api';
import { Connection, type ConnectionStatus, type Sink } from '../net/connection';
import { wasInterrupted } from '../net/frames';
import { Store } from '../state/store';
import { Alarms } from './alarms';
import { Assessment } from './assessment';
import { Captions } from './captions';
import { Composer } from './composer';
import { h, icon, setAttribute, type IconName } from './dom';
import { footer } from './footer';
import { Hear } from './hear';
import { Images } from './images';
import { Microphone } from './microphone';
import { News2 } from './news2';
import { Notices } from './notices';
import { Offline } from './offline';
import { Popover, Tooltip } from './popover';
import { Report } from './report';
import { Sources } from './sources';
import { Tabs } from './tabs';
import { onThemeChange } from './theme';
import { TopBar } from './topbar';
import { Vitals } from './vitals';

type Pane = 'talk' | 'vitals' | 'side';

export function openConsultation(root: HTMLElement, session: SessionId): void {
  const store = new Store();
  // Made after the connection they listen to, and there before its first event.
  const late: Late = {};
  const connection = new Connection(sink(store, late), environment(session));

  const popover = new Popover();
  const sources = new Sources(store, popover, new Tooltip());
  const notices = new Notices(store, popover, serverNow);
  const topbar = new TopBar(store, connection, notices);
  const alarms = new Alarms(store, sources, serverNow);
  const captions = new Captions(store, sources);
  const microphone = new Microphone(session, store);
  const hear = new Hear(store, connection, (utterance) => { captions.setPlaying(utterance); });
  const composer = new Composer(store, connection, microphone);
  const vitals = new Vitals(store, sources);
  const news2 = new News2(store, sources);
  const images = new Images(session, store, sources);
  const report = new Report(session, store, connection, sources);
  const side = sidePanel(store, sources, { report, images, alarms });

  microphone.element.addEventListener('change', () => {
    composer.describe();
    hear.prefer(microphone.spokenLanguage);
  });
  const dock = h('div', { class: 'dock' }, h('div', { class: 'dock-row' }, microphone.element, hear.element), composer.element);
  const conversation = h('section', { class: 'panel conversation', 'aria-label': 'Conversation' }, captions.element, dock);
  const right = h('div', { class: 'right' }, vitals.element, h('div', { class: 'aside' }, news2.element, side.element));
  const main = h('main', { class: 'consult' }, conversation, right);
  const panes = paneBar();
  const offline = new Offline((out) => { setAttribute(app, 'data-offline', out); }, serverNow);
  const app = h('div', { class: 'app', 'data-pane': 'talk' }, topbar.element, offline.element, alarms.banner, main, notices.passing, panes, footer());
  root.replaceChildren(app);

  const show = (pane: Pane): void => {
    showPane(app, pane);
  };
  app.addEventListener('pane', (event) => {
    show((event as CustomEvent<Pane>).detail);
  });
  sources.onPoint((target, move) => {
    if (target === undefined || !move) return;
    if (target.place === 'images') side.select('images');
    show(target.place === 'conversation' ? 'talk' : target.place === 'images' || target.place === 'report' ? 'side' : 'vitals');
  });
  late.player = hear.player;
  late.onStatus = (status) => {
    topbar.setStatus(status);
    offline.setStatus(status);
    // A session that does not exist has nothing to show, and nothing to do.
    main.hidden = panes.hidden = status.phase === 'gone' && store.state.head === 0;
  };
  onThemeChange(() => { vitals.recolour(); });
  setInterval(() => {
    topbar.tick();
    alarms.tick();
    if (!document.hidden) vitals.tick();
  }, 1_000);
  store.subscribe((state) => {
    const active = state.alarms.filter((a) => a.cleared === undefined).length;
    const title = active > 0 ? `(${active}) Alarm · HealthSync` : 'Consultation · HealthSync';
    if (document.title !== title) document.title = title;
    setAttribute(app, 'data-ended', state.ended !== undefined);
  });
  addEventListener('online', () => { connection.reconnectNow(); });
  connection.start();
}

interface Late {
  player?: SpeechPlayer;
  onStatus?: (status: ConnectionStatus) => void;
}

function sink(store: Store, late: Late): Sink {
  return {
    head: () => store.state.head,
    ended: () => store.state.ended !== undefined,
    gap: () => store.state.gap?.expected,
    event: (event) => {
      store.apply(event);
      if (event.type === 'speech.announced') late.player?.announce(event);
      if (event.type === 'speech.completed') late.player?.complete(event.speech, wasInterrupted(event));
    },
    notice: (notice) => { store.applyNotice(notice); },
    frame: (frame) => { late.player?.frame(frame); },
    reset: () => { store.reset(); },
    status: (status) => late.onStatus?.(status),
  };
}

function environment(session: SessionId): ConstructorParameters<typeof Connection>[1] {
  return {
    open: (from, speech) => new WebSocket(eventsUrl(session, from, speech)),
    probe: async () => {
      try {
        return { head: (await getSession(session)).head };
      } catch (error) {
        return error instanceof ApiError && error.status >= 400 && error.status < 429 ? 'gone' : 'unreachable';
      }
    },
    random: Math.random,
    setTimer: (run, ms) => window.setTimeout(run, ms),
    clearTimer: (timer) => { window.clearTimeout(timer); },
  };
}

function sidePanel(
  store: Store,
  sources: Sources,
  { report, images, alarms }: { report: Report; images: Images; alarms: Alarms },
): { element: HTMLElement; select: (id: string) => void } {
  const tabs = new Tabs('Report, images and alarms', 'side');
  const panel = (content: HTMLElement): HTMLElement => h('div', { class: 'tab-panel', tabindex: '0' }, content);
  const body = h('div', { class: 'tab-panels' });
  const fixed = [
    { id: 'report', label: 'Report', panel: panel(report.element) },
    { id: 'images', label: 'Images', panel: panel(images.element) },
    { id: 'alarms', label: 'Alarms', panel: panel(alarms.history) },
  ];
  let any: boolean | undefined;
  const set = (assessed: boolean): void => {
    if (assessed === any) return;
    any = assessed;
    const all = assessed ? [...fixed, { id: 'assessment', label: 'Assessment', panel: assessmentPanel }] : fixed;
    body.replaceChildren(...all.map((t) => t.panel));
    tabs.set(all);
  };
  const assessmentPanel = panel(h('div'));
  set(false);
  assessmentPanel.replaceChildren(new Assessment(store, sources, set).element);
  store.subscribe((state, previous) => {
    tabs.setLabel('images', state.images.length > 0 ? `Images (${state.images.length})` : 'Images');
    tabs.setLabel('alarms', state.alarms.length > 0 ? `Alarms (${state.alarms.length})` : 'Alarms');
    if (previous.head === 0) return;
    if (state.report !== previous.report) tabs.setFresh('report', true);
    if (state.images.length > previous.images.length) tabs.setFresh('images', true);
  });
  const title = h('h2', { class: 'sr', id: 'side-title' }, 'Report, images and alarms');
  const element = h('section', { class: 'panel side', 'aria-labelledby': 'side-title' }, title, tabs.list, body);
  return { element, select: (id) => { tabs.select(id); } };
}

const PANES: readonly (readonly [Pane, string, IconName])[] = [
  ['talk', 'Conversation', 'talk'],
  ['vitals', 'Vitals', 'pulse'],
  ['side', 'Report & images', 'report'],
];

/** On a narrow screen one pane shows at a time. */
function paneBar(): HTMLElement {
  const buttons = PANES.map(([pane, label, drawing]) => {
    const click = (event: Event): void => {
      event.currentTarget?.dispatchEvent(new CustomEvent<Pane>('pane', { detail: pane, bubbles: true }));
    };
    const button = h('button', { type: 'button', 'data-pane-button': pane, on: { click } }, icon(drawing), h('span', {}, label));
    setAttribute(button, 'aria-current', pane === 'talk' ? 'true' : undefined);
    return button;
  });
  return h('nav', { class: 'pane-bar', 'aria-label': 'Parts of the consultation' }, ...buttons);
}

function showPane(app: HTMLElement, pane: Pane): void {
  app.dataset.pane = pane;
  for (const button of app.querySelectorAll('[data-pane-button]')) {
    setAttribute(button, 'aria-current', button.getAttribute('data-pane-button') === pane ? 'true' : undefined);
  }
}
