// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Connection } from '../net/connection';
import { Store } from '../state/store';
import { present } from '../testing/fixture';
import { CallView } from './call-view';
import { LanguageChips } from './language-chip';
import { Notices } from './notices';
import { Popover } from './popover';
import { pt } from './words-pt';

let store: Store;
let view: CallView;

const find = (selector: string): HTMLElement => present(document.querySelector<HTMLElement>(selector));
const dialog = (): HTMLDialogElement => find('.prejoin-dialog') as HTMLDialogElement;

function say(body: object): void {
  store.apply({ v: 1, session: 's', seq: store.state.head + 1, at: '2026-11-24T09:00:00Z', ...body } as never);
}

beforeEach(() => {
  store = new Store((run) => { run(); });
  const connection = { send: () => Promise.resolve(0) } as unknown as Connection;
  const popover = new Popover();
  const notices = new Notices(store, popover, Date.now, true);
  const chips = new LanguageChips(store, connection, popover, notices, pt);
  view = new CallView({ session: 's', store, connection, popover, notices, chips, words: pt, onChange: () => undefined, onFocus: () => undefined });
  document.body.append(view.element);
  say({ type: 'session.started', patient: 'P', languages: ['pt', 'en'], spo2_scale: 'scale1', terms: [] });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

it('closes what stands before joining when the consultation ends: unseen, it would keep the page from being used', () => {
  find('[data-testid="join-call"]').click();
  expect(dialog().open).toBe(true);
  say({ type: 'session.ended', reason: 'ended' });
  expect([dialog().open, view.element.hidden]).toEqual([false, true]);
});

it('says in the reader’s language that the server refused, and lets them try again', async () => {
  const refuse = (): Promise<Response> => Promise.resolve(Response.json({ code: 'whip', message: 'all connections are taken' }, { status: 503 }));
  vi.stubGlobal('fetch', refuse);
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => ({ codecs: [] }) });
  vi.stubGlobal('AudioContext', class { state = 'running'; resume = () => Promise.resolve(); });
  vi.stubGlobal('ConstantSourceNode', class { connect = () => undefined; start = () => undefined; });
  vi.stubGlobal('MediaStreamAudioDestinationNode', class { stream = { getAudioTracks: () => [] }; });
  const { FakePeer } = await import('../testing/fake-peer');
  vi.stubGlobal('RTCPeerConnection', FakePeer);
  view.joinAs({ participant: 'patient', language: 'pt' });
  expect(document.activeElement).toBe(view.element);
  await vi.waitUntil(() => view.call.state.phase === 'failed');
  expect(find('.call-people').textContent).toBe(pt.refused(503));
  expect(find('[data-testid="join-call"]').textContent).toBe('Entrar de novo');
  expect(document.activeElement).toBe(find('[data-testid="join-call"]'));
});
