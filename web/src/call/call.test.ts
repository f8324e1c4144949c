// @vitest-environment happy-dom
import type { Event } from '@events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '../net/connection';
import { Store } from '../state/store';
import { FakePeer } from '../testing/fake-peer';
import { present } from '../testing/fixture';
import { Call } from './call';
import { LocalMedia } from './local-media';

/** Every connection the page made, in order. */
let peers: FakePeer[];
let requests: string[];
let commands: Record<string, unknown>[];
/** The server's clock, as its answers tell it. */
let serverDate: string;
/** The status of every answer, if they are refusals. */
let refusal: number | undefined;
let store: Store;
let call: Call;
let local: LocalMedia;

type Body<E = Event> = E extends Event ? Omit<E, 'v' | 'session' | 'seq' | 'at'> : never;

/** What the server says next. */
function say(body: Body, at = '2026-11-24T09:00:00.300Z'): void {
  store.apply({ v: 1, session: 's', seq: store.state.head + 1, at, ...body });
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const made = (path: string): string[] => requests.filter((r) => r.includes(path));

beforeEach(() => {
  vi.useFakeTimers();
  [peers, requests, commands] = [[], [], []];
  [serverDate, refusal] = ['Tue, 24 Nov 2026 09:00:00 GMT', undefined];
  const silent = { connect: (next: unknown) => next, disconnect: () => undefined };
  vi.stubGlobal('RTCPeerConnection', class extends FakePeer {
    constructor() {
      super();
      peers.push(this);
    }
  });
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => ({ codecs: [] }) });
  vi.stubGlobal('MediaStream', class { id = 'stream'; });
  vi.stubGlobal('Audio', class { dataset = {}; volume = 1; muted = false; srcObject: unknown; play = () => Promise.resolve(); pause = () => undefined; });
  vi.stubGlobal('AudioContext', class { state = 'running'; createAnalyser = () => ({ ...silent, getFloatTimeDomainData: () => undefined }); createMediaStreamSource = () => silent; resume = () => Promise.resolve(); });
  vi.stubGlobal('ConstantSourceNode', class { connect = () => undefined; start = () => undefined; });
  vi.stubGlobal('MediaStreamAudioDestinationNode', class { stream = { getAudioTracks: () => [{ kind: 'audio', readyState: 'live', id: 'silence' }] }; });
  vi.stubGlobal('fetch', (path: string, init: { method?: string } = {}) => {
    requests.push(`${init.method ?? 'GET'} ${path}`);
    if (refusal !== undefined) return Promise.resolve(Response.json({ code: 'whip', message: 'no' }, { status: refusal }));
    const headers = { location: `/r/${requests.length}`, date: serverDate };
    return Promise.resolve(new Response(init.method === 'POST' ? 'answer' : null, { status: init.method === 'POST' ? 201 : 200, headers }));
  });
  const track = (kind: string): object => ({ kind, enabled: true, stop: () => undefined, addEventListener: () => undefined, getSettings: () => ({ deviceId: kind }) });
  const devices = {
    addEventListener: () => undefined,
    enumerateDevices: () => Promise.resolve([]),
    getUserMedia: (wanted: object) => Promise.resolve({ getTracks: () => [track('audio' in wanted ? 'audio' : 'video')] }),
  };
  vi.stubGlobal('navigator', { mediaDevices: devices });
  store = new Store((run) => { run(); });
  const connection = {
    send: (command: Record<string, unknown>) => {
      commands.push(command);
      return Promise.resolve(0);
    },
  } as unknown as Connection;
  local = new LocalMedia({}, () => undefined, () => undefined);
  call = new Call('s', store, connection, local, { hearing: 'both', voiceVolume: 1 }, () => undefined);
  say({ type: 'session.started', patient: 'P', languages: ['pt', 'en'], spo2_scale: 'scale1', terms: [] });
});

afterEach(() => {
  call.leave();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Joins as the clinician; the server says so. */
async function join(): Promise<FakePeer> {
  await local.openMicrophone();
  call.join({ participant: 'clinician', language: 'en' });
  await settle();
  say({ type: 'participant.joined', participant: 'clinician', language: 'en' });
  say({ type: 'media.changed', participant: 'clinician', audio: 'on', video: 'off' });
  const peer = present(peers[0]);
  peer.become('connected');
  await settle();
  return peer;
}

function patientComes(language = 'pt'): void {
  say({ type: 'participant.joined', participant: 'patient', language });
  say({ type: 'media.changed', participant: 'patient', audio: 'on', video: 'on' });
}

describe('a call', () => {
  it('sends sound, and has a place for pictures while the camera is off', async () => {
    const peer = await join();
    expect(peer.directions).toEqual(['audio sendonly', 'video sendonly']);
    expect(made('/whip')).toEqual(['POST /api/v1/sessions/s/whip?participant=clinician&language=en']);
    expect(peer.senders.map((s) => (s.track as { kind: string } | null)?.kind)).toEqual(['audio', undefined]);
    await local.setCameraOn(true);
    await settle();
    expect(peer.senders.map((s) => (s.track as { kind: string } | null)?.kind)).toEqual(['audio', 'video']);
    await local.setCameraOn(false);
    await settle();
    expect(peer.senders[1]?.track).toBeNull();
    expect([made('/whip').length, call.state.phase]).toEqual([1, 'in']);
  });

  it('sends silence without a microphone, so that the server does not think nobody is there', async () => {
    call.join({ participant: 'clinician', language: 'en' });
    await settle();
    expect(peers[0]?.senders[0]?.track).toMatchObject({ id: 'silence' });
    await local.openMicrophone();
    await settle();
    expect(peers[0]?.senders[0]?.track).toBe(local.state.microphone);
  });

  it('is joined again in the language that was set meanwhile', async () => {
    const peer = await join();
    say({ type: 'language.set', participant: 'clinician', language: 'pt' });
    peer.become('failed');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(made('/whip').at(-1)).toContain('language=pt');
  });

  it('receives whoever sends, and nobody who does not', async () => {
    await join();
    say({ type: 'participant.joined', participant: 'relative', language: 'pt' });
    patientComes();
    await settle();
    expect(made('of=')).toEqual(['POST /api/v1/sessions/s/whep?of=patient']);
    expect(call.state.remotes.map((r) => r.participant)).toEqual(['patient']);
    say({ type: 'participant.left', participant: 'patient' });
    await settle();
    expect(call.state.remotes).toEqual([]);
    expect(requests.filter((r) => r.startsWith('DELETE'))).toHaveLength(1);
  });

  it('receives nobody before one has joined oneself', async () => {
    patientComes();
    await settle();
    expect(requests).toEqual([]);
  });

  it('listens to the interpreter in one’s own language, unless only the original is wanted', async () => {
    await join();
    expect(made('speech=')).toEqual(['POST /api/v1/sessions/s/whep?speech=en']);
    call.setPreference({ hearing: 'original', voiceVolume: 1 });
    await settle();
    expect(call.state.voice.phase).toBe('idle');
    say({ type: 'language.set', participant: 'clinician', language: 'pt' });
    call.setPreference({ hearing: 'translation', voiceVolume: 1 });
    await settle();
    expect(made('speech=').at(-1)).toBe('POST /api/v1/sessions/s/whep?speech=pt');
  });

  it('waits with the interpreter until one’s language is known', async () => {
    await local.openMicrophone();
    call.join({ participant: 'patient', language: 'und' });
    await settle();
    patientComes('und');
    peers[0]?.become('connected');
    await settle();
    expect(made('speech=')).toEqual([]);
    say({ type: 'language.detected', participant: 'patient', utterance: 'u', language: 'pt', probability: 0.9, provenance: { inputs: [], name: 'n', version: '1', weights_sha256: '' } });
    await settle();
    expect(made('speech=')).toEqual(['POST /api/v1/sessions/s/whep?speech=pt']);
  });
});

describe('muting', () => {
  it('is told to the others, once', async () => {
    await join();
    local.setMicrophoneOn(false);
    await settle();
    expect(commands[0]).toEqual({ command: 'media.mute', participant: 'clinician', audio: true, video: true });
    say({ type: 'media.changed', participant: 'clinician', audio: 'muted', video: 'off' });
    const told = commands.length;
    await settle();
    patientComes();
    await settle();
    expect(commands).toHaveLength(told);
  });

  it('is told again when the server forgot it', async () => {
    await join();
    local.setMicrophoneOn(false);
    await settle();
    say({ type: 'media.changed', participant: 'clinician', audio: 'muted', video: 'off' });
    await settle();
    const told = commands.length;
    say({ type: 'media.changed', participant: 'clinician', audio: 'on', video: 'on' });
    await vi.advanceTimersByTimeAsync(300);
    expect(commands.length).toBeGreaterThan(told);
    expect(commands.at(-1)).toMatchObject({ audio: true });
  });
});

describe('a server that takes no notice', () => {
  it('of muting is not flooded', async () => {
    await join();
    local.setMicrophoneOn(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(commands.length).toBeGreaterThan(1);
    expect(commands.length).toBeLessThanOrEqual(5);
  });
});

describe('when a call ends', () => {
  it('by oneself, the server is told and the microphone let go', async () => {
    await join();
    call.leave();
    await settle();
    expect(requests.filter((r) => r.startsWith('DELETE'))).toHaveLength(2);
    expect([call.state.phase, local.state.microphone, peers.every((p) => p.closed)]).toEqual(['out', undefined, true]);
  });

  it('with the session, so does the call', async () => {
    await join();
    say({ type: 'session.ended', reason: 'ended' });
    expect(call.state.phase).toBe('out');
  });

  it('because one joined from elsewhere, it does not fight over the place', async () => {
    const peer = await join();
    say({ type: 'participant.joined', participant: 'clinician', language: 'en' }, '2026-11-24T09:05:00Z');
    peer.become('failed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(call.state).toMatchObject({ phase: 'failed', failure: { kind: 'elsewhere' } });
    expect(made('/whip')).toHaveLength(1);
  });

  it('by a lost path, it comes back, however late the events tell of its own joining', async () => {
    const peer = await join();
    peer.become('failed');
    serverDate = 'Tue, 24 Nov 2026 09:07:00 GMT';
    await vi.advanceTimersByTimeAsync(1_000);
    const second = present(peers.filter((p) => p.directions[0] === 'audio sendonly')[1]);
    second.become('connected');
    say({ type: 'participant.joined', participant: 'clinician', language: 'en' }, '2026-11-24T09:07:00.900Z');
    second.become('failed');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(made('/whip').length).toBeGreaterThanOrEqual(3);
    expect(call.state.phase).toBe('in');
  });

  it('says with which status the server refused it', async () => {
    refusal = 410;
    call.join({ participant: 'clinician', language: 'en' });
    await settle();
    expect(call.state).toMatchObject({ phase: 'failed', failure: { kind: 'refused', status: 410 } });
  });

  it('because the path broke, it comes back, even if the first try was counted as joining', async () => {
    const peer = await join();
    peer.become('failed');
    await vi.advanceTimersByTimeAsync(1_000);
    say({ type: 'participant.joined', participant: 'clinician', language: 'en' });
    const second = present(peers.filter((p) => p.directions[0] === 'audio sendonly')[1]);
    second.become('failed');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(made('/whip').length).toBeGreaterThanOrEqual(3);
    expect(call.state.phase).toBe('in');
  });
});
