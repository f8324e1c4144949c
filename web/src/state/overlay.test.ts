import type { Event } from '@events';
import { describe, expect, it } from 'vitest';
import { call, eventsOf, present, stateAt } from '../testing/fixture';
import { FLAG_MS, overlayFor, readingMs, type Overlay } from './overlay';

const find = (type: Event['type'], n = 0): Event => present(eventsOf(type, call)[n]);
/** What a viewer sees of the patient `ms` after an event. */
function seen(type: Event['type'], n: number, viewer: string | undefined, ms = 0, who = 'patient'): Overlay {
  const event = find(type, n);
  return overlayFor(stateAt(event.seq, call), who, viewer, Date.parse(event.at) + ms);
}

describe('captions over a picture', () => {
  it('show that somebody speaks before there are words', () => {
    expect(seen('utterance.started', 0, 'en').text).toMatchObject({ stage: 'speaking', committed: '', tentative: '' });
  });

  it('show settled and tentative words as such to who understands them', () => {
    const { text } = seen('caption.partial', 2, 'pt');
    expect(text).toMatchObject({ stage: 'partial', committed: 'Bom dia, doutora. Estou', tentative: 'com dor' });
    expect(text?.original).toBeUndefined();
  });

  it('show the words as said beneath, and above them what is translated already', () => {
    const partial = seen('caption.partial', 2, 'en').text;
    expect(partial).toMatchObject({ stage: 'partial', committed: '', original: { language: 'pt', committed: 'Bom dia, doutora. Estou' } });
    const draft = seen('translation.partial', 0, 'en').text;
    expect(draft).toMatchObject({ stage: 'draft', committed: 'Good morning, doctor.' });
    expect(draft?.original?.committed).toMatch(/^Bom dia, doutora/);
  });

  it('keep what is translated already until the whole has come', () => {
    expect(seen('caption.final', 0, 'en').text).toMatchObject({ stage: 'waiting', committed: 'Good morning, doctor.' });
    expect(seen('translation.final', 0, 'en').text).toMatchObject({
      stage: 'final',
      committed: 'Good morning, doctor. I have had chest pain since last night.',
      original: { committed: 'Bom dia, doutora. Estou com dor no peito desde ontem à noite.' },
    });
  });

  it('stay as long as it takes to read them, from when they came', () => {
    const { text } = seen('translation.final', 0, 'en');
    const ms = readingMs(present(text).committed);
    expect(ms).toBeGreaterThanOrEqual(5_000);
    expect(seen('translation.final', 0, 'en', ms - 1).text).toBeDefined();
    expect(seen('translation.final', 0, 'en', ms).text).toBeUndefined();
  });

  it('go when words stop coming without an end', () => {
    expect(seen('caption.partial', 2, 'en', 19_000).text).toBeDefined();
    expect(seen('caption.partial', 2, 'en', 20_000).text).toBeUndefined();
  });

  it('are of the one who speaks', () => {
    expect(seen('translation.final', 0, 'en', 0, 'clinician')).toEqual({});
    expect(seen('translation.final', 1, 'pt', 0, 'clinician').text?.committed).toBe('Toma algum remédio para a pressão?');
  });

  it('show what is said as it is to somebody whose language is not known yet', () => {
    expect(seen('caption.final', 0, undefined).text).toMatchObject({ stage: 'final', committed: 'Bom dia, doutora. Estou com dor no peito desde ontem à noite.' });
  });
});

describe('a translation that did not keep what was said', () => {
  it('is flagged for who reads the translation, and for nobody else', () => {
    expect(seen('speech.skipped', 0, 'en').text?.flag).toMatchObject({ skipped: 'not_preserved', findings: [{ kind: 'unit' }, { kind: 'negation' }] });
    expect(seen('speech.skipped', 0, 'pt').text?.flag).toBeUndefined();
    expect(seen('translation.final', 0, 'en').text?.flag).toBeUndefined();
  });

  it('stays flagged after the next words have come, as something earlier', () => {
    const flagged = find('translation.final', 2);
    const next = find('translation.final', 4);
    expect(Date.parse(next.at) - Date.parse(flagged.at)).toBeLessThan(FLAG_MS);
    const { text, earlier } = seen('translation.final', 4, 'en');
    expect(text?.committed).toBe('All right. It gets worse when I climb stairs.');
    expect(earlier).toMatchObject({ translation: 'I take 50 g of losartan, but I take aspirin.', skipped: 'not_preserved' });
    const late = overlayFor(stateAt(next.seq, call), 'patient', 'en', Date.parse(flagged.at) + FLAG_MS);
    expect(late.earlier).toBeUndefined();
  });

  it('stays longer than it takes to read', () => {
    expect(seen('speech.skipped', 0, 'en', 20_000).text?.flag).toBeDefined();
  });
});
