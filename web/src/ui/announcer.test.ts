import { describe, expect, it } from 'vitest';
import { call, eventsOf, present, stateAt } from '../testing/fixture';
import type { UtteranceRow } from '../state/model';
import { Announcements, inLanguage, INTERVAL_MS, MAX_WAITING } from './announcer';
import { wordsFor } from './words';

const words = wordsFor('en');
const row = (seq: number, n: number): UtteranceRow => present([...stateAt(seq, call).rows].filter((r) => r.kind === 'utterance')[n]);

describe('what a screen reader is given', () => {
  it('comes at most once an interval, and together', () => {
    const announcements = new Announcements();
    announcements.offer('one');
    expect(announcements.take(0)).toBe('one');
    announcements.offer('two');
    announcements.offer('three');
    expect(announcements.take(INTERVAL_MS - 1)).toBeUndefined();
    expect(announcements.take(INTERVAL_MS)).toBe('two three');
    expect(announcements.take(INTERVAL_MS * 5)).toBeUndefined();
  });

  it('leaves out the oldest when too much is waiting', () => {
    const announcements = new Announcements();
    for (let i = 1; i <= MAX_WAITING + 2; i++) announcements.offer(String(i));
    expect(announcements.take(0)).toBe('3 4 5 6');
  });

  it('is what is final in the reader’s language, and nothing before', () => {
    const [caption, translation] = [present(eventsOf('caption.final', call)[0]).seq, present(eventsOf('translation.final', call)[0]).seq];
    expect(inLanguage(row(caption - 1, 0), 'pt', words)).toBeUndefined();
    expect(inLanguage(row(caption, 0), 'en', words)).toBeUndefined();
    expect(inLanguage(row(caption, 0), 'pt', words)?.text).toBe('Bom dia, doutora. Estou com dor no peito desde ontem à noite.');
    expect(inLanguage(row(translation, 0), 'en', words)?.text).toBe('Good morning, doctor. I have had chest pain since last night.');
  });

  it('has the warning in it', () => {
    expect(inLanguage(row(call.length, 2), 'en', words)?.text).toBe(
      'I take 50 g of losartan, but I take aspirin. May not say the same: dose or unit differs: 50 mg → 50 g; “not” lost in translation: não.',
    );
  });
});
