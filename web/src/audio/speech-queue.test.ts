import type { SpeechAnnounced } from '@events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SpeechFrame } from '../net/frames';
import type { Decoded } from './decoder';
import { eventsOf, present } from '../testing/fixture';
import { MAX_QUEUED_SECONDS, SpeechQueue, STALL_MS } from './speech-queue';

const [first, second, third] = eventsOf('speech.announced').slice(0, 3).map((event): SpeechAnnounced => event) as [
  SpeechAnnounced,
  SpeechAnnounced,
  SpeechAnnounced,
];

/** A frame of `seconds` whose samples all have the value `level` / 32768. */
function frame({ speech }: SpeechAnnounced, index: number, level: number, { last = false, seconds = 0.01 } = {}): SpeechFrame {
  const samples = new Int16Array(Math.round(seconds * 24_000)).fill(level);
  return { speech, index, last, interrupted: false, payload: new DataView(samples.buffer) };
}

let queue: SpeechQueue;
const level = (nowMs = 0): number | undefined => {
  const chunk = queue.take(nowMs);
  return chunk === undefined ? undefined : present(chunk.samples[0]) * 32_768;
};

beforeEach(() => {
  queue = new SpeechQueue();
});

describe('the speech queue', () => {
  it('plays one speech to its end before the next', () => {
    queue.announce(first, 0);
    queue.announce(second, 0);
    queue.push(frame(first, 0, 1), 0);
    queue.push(frame(second, 0, 10, { last: true }), 0);
    queue.push(frame(first, 1, 2, { last: true }), 0);
    expect([level(), level(), level(), level()]).toEqual([1, 2, 10, undefined]);
  });

  it('holds the next speech back until the one before has its end', () => {
    queue.announce(first, 0);
    queue.announce(second, 0);
    queue.push(frame(first, 0, 1), 0);
    queue.push(frame(second, 0, 10, { last: true }), 0);
    expect([level(), level()]).toEqual([1, undefined]);
    queue.complete(first.speech);
    expect(level()).toBe(10);
  });

  it('gives up on a speech whose end was lost', () => {
    queue.announce(first, 0);
    queue.announce(second, 0);
    queue.push(frame(first, 0, 1), 0);
    queue.push(frame(second, 0, 10, { last: true }), 0);
    expect(level()).toBe(1);
    expect(level(STALL_MS - 1)).toBeUndefined();
    expect(level(STALL_MS)).toBe(10);
  });

  it('keeps frames that come before their announcement', () => {
    queue.push(frame(first, 0, 1), 0);
    queue.push(frame(first, 1, 2, { last: true }), 0);
    expect(level()).toBeUndefined();
    queue.announce(first, 0);
    expect([level(), level()]).toEqual([1, 2]);
  });

  it('never plays a frame twice, nor one that comes too late', () => {
    queue.announce(first, 0);
    for (const [index, value] of [[0, 1], [2, 3], [2, 3], [1, 2]] as const) queue.push(frame(first, index, value), 0);
    expect([level(), level(), level()]).toEqual([1, 3, undefined]);
  });

  it('does not begin a finished speech again', () => {
    queue.announce(first, 0);
    queue.push(frame(first, 0, 1, { last: true }), 0);
    expect([level(), level()]).toEqual([1, undefined]);
    queue.push(frame(first, 0, 1, { last: true }), 0);
    expect(level()).toBeUndefined();
  });

  it('leaves out whole waiting speeches when it falls behind, never the one being heard', () => {
    for (const speech of [first, second, third]) queue.announce(speech, 0);
    queue.push(frame(first, 0, 1, { seconds: 1 }), 0);
    expect(level()).toBe(1);
    queue.push(frame(first, 1, 2, { last: true, seconds: 12 }), 0);
    queue.push(frame(second, 0, 10, { last: true, seconds: 12 }), 0);
    queue.push(frame(third, 0, 20, { last: true, seconds: 12 }), 0);
    expect(queue.skipped).toBe(1);
    expect(queue.queuedSeconds).toBeLessThanOrEqual(MAX_QUEUED_SECONDS);
    expect([level(), level(), level()]).toEqual([2, 20, undefined]);
  });

  it('plays nothing it cannot decode', () => {
    queue.announce({ ...first, codec: 'opus' }, 0);
    queue.push(frame(first, 0, 1, { last: true }), 0);
    expect(level()).toBeUndefined();
  });

  it('drops at once what was interrupted, and whatever still comes of it', () => {
    queue.announce(first, 0);
    queue.announce(second, 0);
    queue.push(frame(first, 0, 1), 0);
    queue.push(frame(first, 1, 2), 0);
    queue.push(frame(second, 0, 10, { last: true }), 0);
    expect(level()).toBe(1);
    queue.push({ ...frame(first, 2, 3, { last: true }), interrupted: true }, 0);
    queue.push(frame(first, 3, 4), 0);
    expect([level(), level()]).toEqual([10, undefined]);
  });

  it('never begins a speech that was interrupted before its first frame', () => {
    queue.announce(first, 0);
    queue.interrupt(first.speech);
    queue.push(frame(first, 0, 1, { last: true }), 0);
    expect(level()).toBeUndefined();
  });

  it('waits for a decoder to give everything back before it goes on to the next speech', () => {
    const slow: { out: (decoded: Decoded) => void; done?: () => void }[] = [];
    queue = new SpeechQueue((_, out) => {
      const mine: (typeof slow)[number] = { out };
      slow.push(mine);
      return { decode: () => undefined, end: (done) => { mine.done = done; }, close: () => undefined };
    });
    const give = (i: number, value: number): void => { slow[i]?.out({ samples: new Float32Array(960).fill(value / 32_768), sampleRate: 48_000 }); };
    for (const speech of [first, second]) queue.announce({ ...speech, codec: 'opus' }, 0);
    queue.push(frame(first, 0, 0), 0);
    queue.push(frame(first, 1, 0, { last: true }), 0);
    queue.push(frame(second, 0, 0, { last: true }), 0);
    give(0, 1);
    give(1, 10);
    expect([level(), level()]).toEqual([1, undefined]);
    give(0, 2);
    slow[0]?.done?.();
    expect([level(), level()]).toEqual([2, 10]);
  });

  it('names the utterance being heard and its rate, and forgets all when cleared', () => {
    queue.announce(first, 0);
    queue.push(frame(first, 0, 1), 0);
    queue.push(frame(first, 1, 2), 0);
    expect(queue.take(0)).toMatchObject({ speech: first.speech, utterance: first.utterance, sampleRate: 24_000 });
    queue.clear();
    expect(level()).toBeUndefined();
    expect(queue.queuedSeconds).toBe(0);
  });
});
