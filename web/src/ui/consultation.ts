/** One consultation: puts the stream, the fold and the views together. */
import type { SessionId } from '@events';
import type { LocalMedia } from '../call/local-media';
import type { Identity } from '../call/peers';
import type { Sound } from '../call/sound';
import type { SpeechPlayer } from '../audio/player';
import { ApiError, eventsUrl, getSession, serverNow } from '../net/api';
import { Connection, type ConnectionStatus, type Sink } from '../net/connection';
import { wasInterrupted } from '../net/frames';
import { unanswered } from '../state/alarms';
import type { SessionState } from '../state/model';
import { Store } from '../state/store';
import { Alarms } from './alarms';
import { Announcer, type Viewer } from './announcer';
import { CallView } from './call-view';
import { Captions } from './captions';
import { Composer } from './composer';
import { h, setAttribute } from './dom';
import { footer } from './footer';
import { Hear } from './hear';
import { Images } from './images';
import { LanguageChips } from './language-chip';
import { LearnedRisk } from './learned-risk';
import { News2 } from './news2';
import { Notices } from './notices';
import { Offline } from './offline';
import { OtherScores } from './other-scores';
import { paneBar, showPane, type Pane } from './panes';
import { Popover, Tooltip } from './popover';
import { Report } from './report';
import { sidePanel, type SidePanel } from './side-panel';
import { Sources } from './sources';
import { onThemeChange } from './theme';
import { TopBar } from './topbar';
import { Vitals } from './vitals';
import { Waveforms } from './waveforms';
import { wordsFor, type Words } from './words';

/** Somebody who came by an invitation, with the devices they chose on the way in. */
export interface Guest {
  readonly me: Identity;
  readonly local: LocalMedia;
  readonly words: Words;
}

export function openConsultation(root: HTMLElement, session: SessionId, guest?: Guest): void {
  const words = guest?.words ?? wordsFor('en');
  const store = new Store();
  // Made after the connection they listen to, and there before its first event.
  const late: Late = {};
  const connection = new Connection(sink(store, late), environment(session));

  const popover = new Popover();
  const sources = new Sources(store, popover, new Tooltip(), words);
  const notices = new Notices(store, popover, serverNow, guest !== undefined);
  const topbar = new TopBar(store, connection, notices, guest !== undefined, words);
  const chips = new LanguageChips(store, connection, popover, notices, words);
  const captions = new Captions(store, sources, chips, words);
  const hear = new Hear(store, connection, (utterance) => { captions.setPlaying(utterance); }, words);
  const callView = new CallView({
    session, store, connection, popover, notices, chips, words,
    ...(guest === undefined ? {} : { guest }),
    onChange: () => { late.onCall?.(); },
    onFocus: (on) => { late.onFocus?.(on); },
  });
  const composer = new Composer(store, connection, () => callView.identity, words);
  const alarms = new Alarms(store, sources, connection, () => callView.identity, serverNow);
  const vitals = new Vitals(store, sources);
  const news2 = new News2(store, sources);
  const scores = new OtherScores(store, sources);
  const learned = new LearnedRisk(store, sources, serverNow);
  const side = sidePanel(store, sources, { report: new Report(session, store, connection, sources), images: new Images(session, store, sources), alarms });
  const viewer = (): Viewer => ({ participant: callView.call.state.me?.participant, language: callView.call.language ?? callView.identity.language });
  const announcer = new Announcer(store, viewer, words, serverNow);

  const dock = h('div', { class: 'dock' }, hear.element, composer.element);
  const conversation = h('section', { class: 'panel conversation', 'aria-label': words.conversation }, captions.element, dock);
  const left = h('div', { class: 'left' }, callView.element, conversation);
  const right = h('div', { class: 'right' }, guest === undefined && new Waveforms(session, store).element, vitals.element, h('div', { class: 'aside' }, h('div', { class: 'risks' }, news2.element, scores.element, learned.element), side.element));
  const main = h('main', { class: 'consult' }, left, guest === undefined && right);
  const panes = paneBar();
  const offline = new Offline((out) => { setAttribute(app, 'data-offline', out); }, serverNow, words, guest !== undefined);
  const app = h('div', { class: 'app', 'data-pane': 'talk', 'data-guest': guest !== undefined }, topbar.element, offline.element, guest === undefined && alarms.element, main, notices.passing, guest === undefined && panes, footer(words), announcer.element);
  root.replaceChildren(app);
  late.onFocus = (on) => { setAttribute(app, 'data-focus', on); };
  late.onFocus(guest !== undefined);
  late.onCall = () => {
    const { phase } = callView.call.state;
    const inCall = phase === 'in' || phase === 'joining';
    setAttribute(app, 'data-call', inCall);
    composer.describe();
    hear.setInCall(inCall, callView.identity.language);
    captions.setViewer(viewer().language);
  };
  late.onCall();

  switchPanes(app, sources, side);
  late.player = hear.player;
  late.sound = callView.call.sound;
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
    if (document.hidden) return;
    vitals.tick();
    learned.tick();
  }, 1_000);
  // Alarms are for those who can answer them.
  store.subscribe((state) => { showState(state, app, guest === undefined, words); });
  addEventListener('online', () => { connection.reconnectNow(); });
  connection.start();
  if (guest !== undefined) callView.joinAs(guest.me);
}

function switchPanes(app: HTMLElement, sources: Sources, side: SidePanel): void {
  app.addEventListener('pane', (event) => {
    showPane(app, (event as CustomEvent<Pane>).detail);
  });
  sources.onPoint((target, move) => {
    if (target === undefined || !move) return;
    if (target.place === 'images') side.select('images');
    showPane(app, target.place === 'conversation' ? 'talk' : target.place === 'images' || target.place === 'report' ? 'side' : 'vitals');
  });
}

function showState(state: SessionState, app: HTMLElement, alarms: boolean, words: Words): void {
  setAttribute(app, 'data-ended', state.ended !== undefined);
  const calling = alarms ? unanswered(state.alarms) : 0;
  const title = calling > 0 ? `(${calling}) Alarm · HealthSync` : `${words.consultation} · HealthSync`;
  if (document.title !== title) document.title = title;
}

interface Late {
  player?: SpeechPlayer;
  sound?: Sound;
  onCall?: () => void;
  onFocus?: (on: boolean) => void;
  onStatus?: (status: ConnectionStatus) => void;
}

function sink(store: Store, late: Late): Sink {
  return {
    head: () => store.state.head,
    ended: () => store.state.ended !== undefined,
    gap: () => store.state.gap?.expected,
    event: (event) => {
      store.apply(event);
      if (event.type === 'speech.announced') {
        late.player?.announce(event);
        late.sound?.announced(event);
      }
      if (event.type === 'speech.completed') {
        late.player?.complete(event.speech, wasInterrupted(event));
        late.sound?.completed(event);
      }
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
