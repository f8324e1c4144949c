import type { Event } from '@events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Store } from '../state/store';
import { fixture, fixtureLines, present } from '../testing/fixture';
import { Connection, SILENCE_MS, type ConnectionStatus, type Probe, type Socket } from './connection';

class FakeSocket implements Socket {
  binaryType = '';
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readonly sent: string[] = [];
  closed = false;

  constructor(
    readonly from: number,
    readonly speech: string | undefined,
  ) {}

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  accept(): this {
    this.onopen?.(undefined as never);
    return this;
  }

  receive(...data: (string | ArrayBuffer | object)[]): void {
    for (const item of data) {
      const raw = typeof item === 'string' || item instanceof ArrayBuffer ? item : JSON.stringify(item);
      this.onmessage?.({ data: raw } as MessageEvent);
    }
  }

  cut(): void {
    this.onclose?.(undefined as never);
  }
}

const sockets: FakeSocket[] = [];
const phases: ConnectionStatus[] = [];
let store: Store;
let found: Probe;
let connection: Connection;

const newest = (): FakeSocket => present(sockets.at(-1));
const events = (from: number, to: number): string[] => fixtureLines.slice(from - 1, to);

beforeEach(() => {
  vi.useFakeTimers();
  sockets.length = phases.length = 0;
  store = new Store((run) => { run(); });
  found = 'unreachable';
  const sink = {
    head: () => store.state.head,
    ended: () => store.state.ended !== undefined,
    gap: () => store.state.gap?.expected,
    event: (event: Event) => { store.apply(event); },
    notice: store.applyNotice.bind(store),
    frame: () => undefined,
    reset: () => { store.reset(); },
    status: (status: ConnectionStatus) => { phases.push(status); },
  };
  connection = new Connection(sink, {
    open: (from, speech) => {
      const socket = new FakeSocket(from, speech);
      sockets.push(socket);
      return socket;
    },
    probe: () => Promise.resolve(found),
    random: () => 1,
    setTimer: (run, ms) => setTimeout(run, ms) as unknown as number,
    clearTimer: (timer) => { clearTimeout(timer); },
  });
  connection.start();
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
});

describe('the event stream', () => {
  it('starts with the first event', () => {
    expect(newest().from).toBe(1);
    expect(newest().binaryType).toBe('arraybuffer');
    newest().accept();
    expect(phases.map((p) => p.phase)).toEqual(['connecting', 'live']);
  });

  it('resumes after the last event it took in, and ends with the same state', () => {
    newest().accept().receive(...events(1, 42));
    newest().cut();
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(249);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    expect(newest().from).toBe(43);
    newest().accept().receive(...events(43, 207));
    expect(store.state.head).toBe(207);
    expect(store.state.gap).toBeUndefined();
  });

  it('waits longer after every failed attempt, and starts over once events come again', async () => {
    newest().accept().receive(...events(1, 5));
    for (const delayMs of [250, 500, 1_000, 2_000]) {
      newest().cut();
      await vi.advanceTimersByTimeAsync(0);
      expect(phases.at(-1)).toMatchObject({ phase: 'waiting', delayMs });
      await vi.advanceTimersByTimeAsync(delayMs);
    }
    newest().accept().receive(...events(6, 6));
    newest().cut();
    expect(phases.at(-1)).toMatchObject({ phase: 'waiting', attempt: 1, delayMs: 250 });
  });

  it('reads again from a hole, and from the start when the hole stays', () => {
    const lossy = [...events(1, 10), ...events(12, 12)];
    newest().accept().receive(...lossy);
    vi.advanceTimersByTime(10_000);
    expect(newest().from).toBe(11);
    for (let times = 0; times < 2; times++) {
      newest().accept().receive(...events(12, 12));
      vi.advanceTimersByTime(8_000);
    }
    expect(newest().from).toBe(1);
    expect(store.state.head).toBe(0);
  });

  it('forgets everything when the server cannot resume', () => {
    newest().accept().receive(...events(1, 10));
    newest().receive({ notice: 'stream.cannot_resume', asked: 11, head: 4 });
    vi.advanceTimersByTime(250);
    expect(newest().from).toBe(1);
  });

  it('tells a dead connection from a quiet one', async () => {
    newest().accept().receive(...events(1, 10));
    found = { head: 10 };
    await vi.advanceTimersByTimeAsync(SILENCE_MS + 4_000);
    expect(sockets).toHaveLength(1);
    found = { head: 14 };
    await vi.advanceTimersByTimeAsync(SILENCE_MS + 4_000);
    expect(sockets.map((s) => s.from)).toEqual([1, 11]);
    expect(present(sockets[0]).closed).toBe(true);
  });

  it('gives up on a session that does not exist', async () => {
    found = 'gone';
    newest().cut();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(phases.at(-1)).toEqual({ phase: 'gone', reason: 'There is no such session on this server.' });
    expect(sockets).toHaveLength(1);
  });

  it('does not come back after the session has ended', async () => {
    const { session } = present(fixture[0]);
    newest().accept().receive(...events(1, 10));
    newest().receive({ v: 1, session, seq: 11, at: '2026-11-23T14:02:09Z', type: 'session.ended', reason: 'ended' });
    newest().cut();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(phases.at(-1)).toEqual({ phase: 'ended' });
    expect(sockets).toHaveLength(1);
  });

  it('survives bytes that are no message', () => {
    newest().accept().receive('not json', new ArrayBuffer(3), ...events(1, 3));
    expect(store.state.head).toBe(3);
  });

  it('asks for speech in a language without losing its place', () => {
    newest().accept().receive(...events(1, 20));
    connection.setSpeech('pt');
    expect(newest()).toMatchObject({ from: 21, speech: 'pt' });
    expect(present(sockets[0]).closed).toBe(true);
  });
});

describe('a command', () => {
  it('is answered by the notice with its number', async () => {
    newest().accept();
    const first = connection.send({ command: 'report.request' });
    const second = connection.send({ command: 'session.end' });
    const [a, b] = newest().sent.map((text) => JSON.parse(text) as { id: string; command: string });
    expect([a?.command, b?.command]).toEqual(['report.request', 'session.end']);
    newest().receive({ notice: 'stream.accepted', id: b?.id, seq: 8 });
    newest().receive({ notice: 'stream.refused', id: a?.id, error: { code: 'unavailable', component: 'scribe' } });
    await expect(second).resolves.toBe(8);
    await expect(first).rejects.toThrow('scribe is not available.');
  });

  it('is not sent a second time after a drop', async () => {
    newest().accept();
    const sent = connection.send({ command: 'report.request' });
    newest().cut();
    await expect(sent).rejects.toThrow('The connection was lost');
    vi.advanceTimersByTime(250);
    expect(newest().accept().sent).toEqual([]);
    expect(sockets).toHaveLength(2);
  });

  it('is refused at once while there is no connection', async () => {
    await expect(connection.send({ command: 'session.end' })).rejects.toThrow('There is no connection.');
    expect(newest().sent).toEqual([]);
  });
});
