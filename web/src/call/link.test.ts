import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, type Answer } from '../net/api';
import { present } from '../testing/fixture';
import { CONNECT_MS, DISCONNECTED_MS, Link, RESTART_MS, type LinkEnvironment, type LinkSpec, type LinkState } from './link';

/** As much of a peer connection as a link touches. */
class FakePeer {
  onconnectionstatechange: (() => void) | null = null;
  onicegatheringstatechange: (() => void) | null = null;
  readonly iceGatheringState = 'complete';
  connectionState = 'new';
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  closed = false;
  restarts = 0;

  createOffer(options?: { iceRestart?: boolean }): Promise<{ sdp: string }> {
    if (options?.iceRestart === true) this.restarts += 1;
    return Promise.resolve({ sdp: `m=audio\r\na=ice-ufrag:mine${this.restarts}\r\na=ice-pwd:secret` });
  }
  setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description;
    return Promise.resolve();
  }
  setRemoteDescription(description: { sdp: string }): Promise<void> {
    this.remoteDescription = description;
    return Promise.resolve();
  }
  close(): void {
    this.closed = true;
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

let peers: FakePeer[];
let states: LinkState[];
let offers: number;
let ended: string[];
let answer: () => Promise<Answer>;
let restart: (location: string, fragment: string) => Promise<string>;

const ANSWER = 'm=audio\r\na=ice-ufrag:theirs\r\na=ice-pwd:old';

function link(spec: Partial<LinkSpec> = {}): Link {
  const env: LinkEnvironment = {
    peer: () => {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    restart: (location, fragment) => restart(location, fragment),
    hangUp: (location) => {
      ended.push(location);
      return Promise.resolve();
    },
    random: () => 0.5,
    setTimer: (run, ms) => setTimeout(run, ms) as unknown as number,
    clearTimer: (timer) => { clearTimeout(timer); },
  };
  const offer = (): Promise<Answer> => {
    offers += 1;
    return answer();
  };
  return new Link({ prepare: () => undefined, offer, replaces: false, patient: false, ...spec }, (state) => states.push(state), env);
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const phase = (): string => present(states.at(-1)).phase;

async function connected(spec: Partial<LinkSpec> = {}): Promise<Link> {
  const made = link(spec);
  made.open();
  await settle();
  present(peers[0]).become('connected');
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
  peers = [];
  states = [];
  ended = [];
  offers = 0;
  answer = () => Promise.resolve({ sdp: ANSWER, location: `/r/${offers}`, at: 0 });
  restart = () => Promise.resolve('a=ice-ufrag:fresh\r\na=ice-pwd:new');
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a connection', () => {
  it('offers, takes the answer and is live once the path is there', async () => {
    await connected();
    expect(states.map((s) => s.phase)).toEqual(['connecting', 'live']);
    expect(peers[0]?.remoteDescription?.sdp).toBe(ANSWER);
    await vi.advanceTimersByTimeAsync(CONNECT_MS * 2);
    expect([offers, phase()]).toEqual([1, 'live']);
  });

  it('is ended on the server when it is closed', async () => {
    const made = await connected();
    made.close();
    expect(ended).toEqual(['/r/1']);
    expect([peers[0]?.closed, phase()]).toEqual([true, 'idle']);
  });

  it('closed before the answer came is ended when it comes', async () => {
    let give: (a: Answer) => void = () => undefined;
    answer = () => new Promise((resolve) => { give = resolve; });
    const made = link();
    made.open();
    await settle();
    made.close();
    give({ sdp: ANSWER, location: '/late', at: 0 });
    await settle();
    expect(ended).toEqual(['/late']);
    expect(phase()).toBe('idle');
  });

  it('begins anew when no path is found', async () => {
    link().open();
    await settle();
    await vi.advanceTimersByTimeAsync(CONNECT_MS);
    expect(phase()).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(offers).toBe(2);
  });
});

describe('a connection closed by who hears of it', () => {
  it.each(['unsteady', 'waiting', 'connecting'] as const)('stays closed: %s', async (at) => {
    const made = await connected();
    const before = states.push.bind(states);
    states.push = (...list) => {
      const length = before(...list);
      if (list[0]?.phase === at) made.close();
      return length;
    };
    peers[0]?.become(at === 'unsteady' ? 'disconnected' : 'failed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([offers, phase()]).toEqual([1, 'idle']);
  });
});

describe('a refusal', () => {
  it('the first time is for the person to see', async () => {
    answer = () => Promise.reject(new ApiError(503, 'unavailable', 'webrtc is not available'));
    link().open();
    await settle();
    expect(states.at(-1)).toEqual({ phase: 'failed', status: 503 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(offers).toBe(1);
  });

  it('while reconnecting is tried again, less and less often', async () => {
    await connected();
    answer = () => Promise.reject(new ApiError(503, 'unavailable', 'full'));
    peers[0]?.become('failed');
    await vi.advanceTimersByTimeAsync(120_000);
    const delays = states.flatMap((s) => (s.phase === 'waiting' ? [s.delayMs] : []));
    expect(delays.slice(0, 4)).toEqual([187.5, 375, 750, 1_500]);
    expect(Math.max(...delays)).toBeLessThanOrEqual(8_000);
    answer = () => Promise.resolve({ sdp: ANSWER, location: '/again', at: 0 });
    await vi.advanceTimersByTimeAsync(8_000);
    present(peers.at(-1)).become('connected');
    expect(phase()).toBe('live');
  });

  it('is not asked again before the server wants to be', async () => {
    await connected();
    answer = () => Promise.reject(new ApiError(503, 'whip', 'all viewers are taken', 10_000));
    peers[0]?.become('failed');
    await vi.advanceTimersByTimeAsync(9_000);
    expect(offers).toBe(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(offers).toBe(3);
  });

  it('for good ends it', async () => {
    await connected();
    answer = () => Promise.reject(new ApiError(410, 'session_ended', 'the session has ended'));
    peers[0]?.become('failed');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(states.at(-1)).toEqual({ phase: 'failed', status: 410 });
  });

  it('of somebody who is not there yet is waited out by who watches them', async () => {
    answer = () => Promise.reject(new ApiError(404, 'not_found', 'nobody'));
    link({ patient: true }).open();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(offers).toBeGreaterThan(2);
    expect(phase()).toBe('waiting');
  });
});

describe('a path that breaks', () => {
  it('may heal by itself', async () => {
    await connected();
    peers[0]?.become('disconnected');
    expect(phase()).toBe('unsteady');
    await vi.advanceTimersByTimeAsync(DISCONNECTED_MS - 1);
    peers[0]?.become('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([offers, peers[0]?.restarts, phase()]).toEqual([1, 0, 'live']);
  });

  it('is replaced by an ICE restart on the same connection', async () => {
    const asked: string[] = [];
    restart = (location, fragment) => {
      asked.push(location, fragment);
      return Promise.resolve('a=ice-ufrag:fresh\r\na=ice-pwd:new');
    };
    await connected();
    peers[0]?.become('disconnected');
    await vi.advanceTimersByTimeAsync(DISCONNECTED_MS);
    expect(asked[0]).toBe('/r/1');
    expect(asked[1]).toContain('a=ice-ufrag:mine1');
    expect(peers[0]?.remoteDescription?.sdp).toContain('a=ice-ufrag:fresh');
    peers[0]?.become('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([offers, peers.length, phase()]).toEqual([1, 1, 'live']);
  });

  it('is replaced by a new connection when the server does not restart, or it does not help', async () => {
    restart = () => Promise.reject(new ApiError(405, 'unknown', 'no'));
    await connected();
    peers[0]?.become('disconnected');
    await vi.advanceTimersByTimeAsync(DISCONNECTED_MS + 1_000);
    expect([offers, peers[0]?.closed]).toEqual([2, true]);
    restart = () => Promise.resolve('a=ice-ufrag:fresh\r\na=ice-pwd:new');
    peers[1]?.become('connected');
    peers[1]?.become('disconnected');
    await vi.advanceTimersByTimeAsync(DISCONNECTED_MS + RESTART_MS + 1_000);
    expect(offers).toBe(3);
  });

  it('is renewed at once when the network changes', async () => {
    const made = await connected();
    made.renew();
    made.renew();
    await settle();
    expect([phase(), peers[0]?.restarts]).toEqual(['unsteady', 1]);
    await vi.advanceTimersByTimeAsync(DISCONNECTED_MS);
    expect([offers, phase()]).toEqual([1, 'live']);
    made.renew();
    await settle();
    expect(peers[0]?.restarts).toBe(2);
  });

  it('that breaks while it is being renewed is not waited for for ever', async () => {
    const made = await connected();
    made.renew();
    await settle();
    peers[0]?.become('disconnected');
    await vi.advanceTimersByTimeAsync(RESTART_MS + 1_000);
    expect(offers).toBe(2);
  });

  it('does not wait for its turn when the network comes back', async () => {
    const made = await connected();
    answer = () => Promise.reject(new ApiError(0, 'unreachable', 'no network'));
    peers[0]?.become('failed');
    await vi.advanceTimersByTimeAsync(60_000);
    answer = () => Promise.resolve({ sdp: ANSWER, location: '/back', at: 0 });
    const before = offers;
    made.renew();
    await settle();
    expect(offers).toBe(before + 1);
  });

  it('leaves the participant where the new connection takes the old one’s place, and frees it otherwise', async () => {
    await connected({ replaces: true });
    peers[0]?.become('failed');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended).toEqual([]);
    peers = [];
    offers = 0;
    await connected();
    peers[0]?.become('failed');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended).toEqual(['/r/1']);
  });
});
