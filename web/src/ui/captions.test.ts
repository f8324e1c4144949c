// @vitest-environment happy-dom
import type { Event } from '@events';
import { beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../state/store';
import { call, eventsOf, fixture, present } from '../testing/fixture';
import type { Connection } from '../net/connection';
import { Captions } from './captions';
import { LanguageChips } from './language-chip';
import { Notices } from './notices';
import { Popover, Tooltip } from './popover';
import { Sources } from './sources';
import { wordsFor } from './words';

let store: Store;
let page: HTMLElement;

beforeEach(() => {
  document.body.replaceChildren();
  store = new Store((run) => { run(); });
  page = make().element;
  document.body.append(page);
});

function make(): Captions {
  const popover = new Popover();
  const connection = { send: () => Promise.resolve(0) } as unknown as Connection;
  const notices = new Notices(store, popover, Date.now, false);
  return new Captions(store, new Sources(store, popover, new Tooltip()), new LanguageChips(store, connection, popover, notices, wordsFor('en')), wordsFor('en'));
}

const play = (to: number): void => {
  for (const event of fixture.slice(store.state.head, to)) store.apply(event);
};
/** Takes an event in as the next one. */
const next = (event: Event): void => {
  store.apply({ ...event, seq: store.state.head + 1 });
};
const rows = (): HTMLElement[] => [...page.querySelectorAll<HTMLElement>('[data-testid="caption-row"]')];
const cell = (row: HTMLElement | undefined, language: string): HTMLElement => present(row?.querySelector<HTMLElement>(`[data-column="${language}"]`));
const text = (element: Element): string => present(element.querySelector('.text')).textContent;

const caption = present(eventsOf('caption.final')[0]);
const translation = present(eventsOf('translation.final')[0]);

describe('a caption row', () => {
  it('shows a partial as such: what is settled, and in grey what may still change', () => {
    play(12);
    expect(rows()).toHaveLength(1);
    expect(rows()[0]?.dataset.final).toBe('false');
    const english = cell(rows()[0], 'en');
    expect(english.dataset.state).toBe('partial');
    expect(english.querySelector('.committed')?.textContent).toBe('Good afternoon. What brings');
    expect(english.querySelector('.tentative')?.textContent).toMatch(/^ \S/);
    expect(cell(rows()[0], 'pt').textContent).toBe('');
  });

  it('becomes final in its place, and a late partial changes nothing', () => {
    play(12);
    const row = rows()[0];
    play(caption.seq);
    expect(rows()).toEqual([row]);
    expect(row?.dataset.final).toBe('true');
    expect(text(cell(row, 'en'))).toBe(caption.text);
    expect(cell(row, 'en').querySelector('.tentative')).toBeNull();
    next(present(eventsOf('caption.partial')[0]));
    expect(row?.dataset.final).toBe('true');
    expect(text(cell(row, 'en'))).toBe(caption.text);
  });

  it('says that a translation is on its way, then shows it marked as made by machine', () => {
    play(caption.seq);
    const portuguese = cell(rows()[0], 'pt');
    expect(portuguese.textContent).toBe('translating');
    expect(portuguese.querySelector('[data-testid="translation"]')).toBeNull();
    play(translation.seq);
    expect(portuguese.querySelector('[data-testid="translation"]')?.textContent).toBe('Boa tarde. O que a traz aqui hoje?');
    expect(portuguese.querySelector('.note')?.textContent).toContain('machine (fxtranslate), unreviewed');
  });

  it('never takes what was said, typed or translated for markup', () => {
    const hostile = '<img src=x onerror="alert(1)"><b>bold</b> & <script>1</script>';
    play(12);
    next({ ...caption, text: hostile });
    next({ ...translation, of: store.state.head, text: hostile });
    next({ ...present(eventsOf('chat.message')[0]), text: hostile });
    const [spoken, typed] = rows();
    expect(text(cell(spoken, 'en'))).toBe(hostile);
    expect(text(cell(spoken, 'pt'))).toBe(hostile);
    expect(text(cell(typed, 'en'))).toBe(hostile);
    expect(page.querySelector('.rows img, .rows b, .rows script')).toBeNull();
  });

  it('stands in the column of its language, under the name of who spoke', () => {
    play(31);
    const patient = rows()[1];
    expect(patient?.querySelector('.speaker')?.textContent).toBe('Patient');
    expect(cell(patient, 'pt').dataset.state).toBe('original');
    expect(text(cell(patient, 'en'))).toBe('Good afternoon, doctor. I have had a cough and fever for three days.');
  });

  it('warns of words the recogniser was unsure of', () => {
    play(fixture.length);
    const doubted = rows().filter((row) => row.querySelector('.doubt') !== null);
    const unsure = eventsOf('caption.final').filter((event) => event.confidence < 0.6);
    expect(doubted.map((row) => row.dataset.utterance)).toEqual(unsure.map((event) => event.utterance));
    expect(unsure).toHaveLength(1);
  });

  it('hides noise, and says why speech was not transcribed', () => {
    play(93);
    const dropped = present(eventsOf('caption.dropped')[0]);
    next(dropped);
    next({ ...dropped, utterance: crypto.randomUUID(), reason: 'model_failed' });
    const [noise, failed] = rows().slice(-2);
    expect(noise?.hidden).toBe(true);
    expect(failed?.hidden).toBe(false);
    expect(failed?.textContent).toContain('speech recognition failed');
  });
});

describe('a translation in a row', () => {
  const playCall = (to: number): void => {
    for (const event of call.slice(store.state.head, to)) store.apply(event);
  };
  const seq = (type: Event['type'], n = 0): number => present(eventsOf(type, call)[n]).seq;

  it('shows as in progress what is translated of an unfinished utterance', () => {
    playCall(seq('translation.partial'));
    const english = cell(rows()[0], 'en');
    expect(english.dataset.state).toBe('draft');
    expect(english.querySelector('[data-testid="draft"] span')?.textContent).toBe('Good morning, doctor.');
    expect(english.querySelector('[data-testid="translation"]')).toBeNull();
    playCall(seq('translation.final'));
    expect(english.querySelector('[data-testid="draft"]')).toBeNull();
    expect(english.querySelector('[data-testid="translation"]')).not.toBeNull();
  });

  it('is flagged with the very words it did not keep, on both sides', () => {
    playCall(seq('speech.skipped'));
    const row = rows()[2];
    const differ = (language: string): string[] => [...cell(row, language).querySelectorAll('mark')].map((m) => m.textContent);
    expect([differ('pt'), differ('en')]).toEqual([['50 mg', 'não'], ['50 g']]);
    expect(cell(row, 'en').querySelector('[data-testid="flag"]')?.textContent).toBe('Check the original with the speaker: dose or unit differs: 50 mg → 50 g; “not” lost in translation: não; not spoken aloud');
    expect(text(cell(row, 'en'))).toBe('I take 50 g of losartan, but I take aspirin.');
    expect(rows()[0]?.querySelector('[data-testid="flag"]')).toBeNull();
  });

  it('says quietly why it was not spoken, or not to its end', () => {
    playCall(call.length);
    expect(cell(rows()[4], 'en').querySelector('.note')?.textContent).toContain('not spoken: somebody else was speaking');
    expect(cell(rows()[4], 'en').querySelector('[data-testid="flag"]')).toBeNull();
    expect(cell(rows()[3], 'pt').querySelector('.note')?.textContent).toContain('interrupted');
  });

  it('leaves words open that the recogniser was unsure of', () => {
    playCall(seq('caption.final'));
    expect([...cell(rows()[0], 'pt').querySelectorAll('.unsure')].map((w) => w.textContent)).toEqual(['ontem']);
    expect(text(cell(rows()[0], 'pt'))).toBe('Bom dia, doutora. Estou com dor no peito desde ontem à noite.');
  });

  it('takes nothing that differs for markup', () => {
    playCall(seq('translation.final', 2) - 1);
    const hostile = '<img src=x onerror=alert(1)>';
    const event = present(eventsOf('translation.final', call)[2]);
    next({ ...event, text: `Take ${hostile} now`, preservation: { findings: [{ kind: 'drug', problem: 'added', target: hostile }] } });
    expect(page.querySelector('.rows img')).toBeNull();
    expect(text(cell(rows()[2], 'en'))).toBe(`Take ${hostile} now`);
  });

  it('names whose language was found out, in the head of its column', () => {
    playCall(seq('language.detected'));
    expect([...page.querySelectorAll('.present')].map((b) => b.textContent)).toEqual(['Patient, detected', 'Clinician']);
  });
});

describe('the list of captions', () => {
  it('has a row for everything said or typed, in order', () => {
    play(fixture.length);
    const shown = rows().filter((row) => !row.hidden);
    expect(shown.filter((row) => row.dataset.final === 'true')).toHaveLength(12);
    const times = shown.map((row) => present(row.querySelector('time')).dateTime);
    expect(times).toEqual(times.toSorted());
    expect(page.querySelectorAll('[data-testid="translation"]')).toHaveLength(11);
  });

  it('starts again when the stream is read from the beginning', () => {
    play(60);
    store.reset();
    expect(rows()).toHaveLength(0);
    expect(page.querySelector<HTMLElement>('.empty')?.hidden).toBe(false);
    play(20);
    expect(rows()).toHaveLength(2);
  });

  it('marks the row whose translation is being heard', () => {
    const captions = make();
    play(60);
    const playing = (): (string | undefined)[] => [...captions.element.querySelectorAll<HTMLElement>('[data-playing]')].map((row) => row.dataset.key);
    captions.setPlaying(caption.utterance);
    expect(playing()).toEqual([caption.utterance]);
    captions.setPlaying(undefined);
    expect(playing()).toEqual([]);
  });
});
