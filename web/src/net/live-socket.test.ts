import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { present } from '../testing/fixture';
import { LiveSocket, type LiveConnection } from './live-socket';

class FakeConnection implements LiveConnection {
  binaryType = '';
  onopen: LiveConnection['onopen'] = null;
  onmessage: LiveConnection['onmessage'] = null;
  onclose: LiveConnection['onclose'] = null;
  closed = false;
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.onopen?.(undefined as never);
  }
  say(data: unknown): void {
    this.onmessage?.({ data } as MessageEvent);
  }
  cut(code = 1006): void {
    this.onclose?.({ code } as CloseEvent);
  }
}

const made: FakeConnection[] = [];
const told: unknown[] = [];
let socket: LiveSocket;

const newest = (): FakeConnection => present(made.at(-1));

beforeEach(() => {
  vi.useFakeTimers();
  made.length = told.length = 0;
  const listener = {
    opened: () => { told.push('opened'); },
    message: (data: unknown) => { told.push(data); },
    lost: (over: boolean) => { told.push(over ? 'over' : 'lost'); },
  };
  socket = new LiveSocket(listener, {
    open: () => {
      const connection = new FakeConnection();
      made.push(connection);
      return connection;
    },
    random: () => 1,
    setTimer: (run, ms) => setTimeout(run, ms) as unknown as number,
    clearTimer: (timer) => { clearTimeout(timer); },
  });
  socket.start();
});

afterEach(() => {
  socket.stop();
  vi.useRealTimers();
});

describe('a stream that begins anew', () => {
  it('is there again after it was cut, and waits longer each time nothing came', () => {
    newest().open();
    newest().say('a');
    for (const delay of [250, 500, 1_000]) {
      newest().cut();
      const before = made.length;
      vi.advanceTimersByTime(delay - 1);
      expect(made).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(made).toHaveLength(before + 1);
    }
    newest().open();
    newest().say('b');
    newest().cut();
    vi.advanceTimersByTime(250);
    expect(made).toHaveLength(5);
    expect(told).toEqual(['opened', 'a', 'lost', 'lost', 'lost', 'opened', 'b', 'lost']);
  });

  it('does not come back once the server says that nothing more will come', () => {
    newest().open();
    newest().cut(1000);
    vi.advanceTimersByTime(60_000);
    expect(made).toHaveLength(1);
    expect(told).toEqual(['opened', 'over']);
  });

  it('gives up on a handshake that is never completed', () => {
    vi.advanceTimersByTime(10_250);
    expect(present(made[0]).closed).toBe(true);
    expect(made).toHaveLength(2);
  });

  it('heeds nothing of a connection it has let go', () => {
    const first = newest();
    const { onmessage } = first;
    socket.reconnectNow();
    onmessage?.({ data: 'late' } as MessageEvent);
    expect(told).toEqual([]);
  });
});
