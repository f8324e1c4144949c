import { beforeEach, describe, expect, it } from 'vitest';
import { HOLD_MS, LONGEST_MS, TAIL_MS, Voice } from './voice';

let voice: Voice;

beforeEach(() => {
  voice = new Voice();
});

describe('the interpreter’s voice', () => {
  it('speaks from its announcement until its last sound has been heard', () => {
    voice.announce('a', 'en', 'en-GB', 1_000);
    expect(voice.speaking(5_000)).toBe(true);
    voice.complete('a', false, 5_000);
    expect(voice.speaking(5_000 + TAIL_MS - 1)).toBe(true);
    expect(voice.speaking(5_000 + TAIL_MS)).toBe(false);
  });

  it('stops at once when it is interrupted', () => {
    voice.announce('a', 'en', 'en', 0);
    voice.level(0.9, 900);
    voice.complete('a', true, 1_000);
    expect(voice.speaking(1_000)).toBe(false);
  });

  it('is silent for who listens in another language', () => {
    voice.announce('a', 'pt', 'en', 0);
    voice.announce('b', 'pt', undefined, 0);
    expect(voice.speaking(1)).toBe(false);
  });

  it('goes on between two words, by its sound alone', () => {
    voice.level(0.6, 1_000);
    expect(voice.speaking(1_000 + HOLD_MS - 1)).toBe(true);
    voice.level(0.05, 1_100);
    expect(voice.speaking(1_000 + HOLD_MS)).toBe(false);
  });

  it('is over some time even if its end was lost', () => {
    voice.announce('a', 'en', 'en', 0);
    expect(voice.speaking(LONGEST_MS)).toBe(true);
    expect(voice.speaking(LONGEST_MS + 1)).toBe(false);
  });

  it('waits for the last of several speeches', () => {
    voice.announce('a', 'en', 'en', 0);
    voice.announce('b', 'en', 'en', 100);
    voice.complete('a', false, 2_000);
    expect(voice.speaking(2_000 + TAIL_MS)).toBe(true);
    voice.complete('unknown', false, 9_000);
    voice.complete('b', false, 4_000);
    expect(voice.speaking(4_000 + TAIL_MS)).toBe(false);
  });
});
