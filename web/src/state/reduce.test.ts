import type { Event } from '@events';
import { describe, expect, it } from 'vitest';
import { eventsOf, fixture, present, stateAt } from '../testing/fixture';
import { initialState, type SessionState, type UtteranceRow } from './model';
import { reduce, reduceNotice } from './reduce';

const utterances = (state: SessionState): UtteranceRow[] => [...state.rows].filter((row) => row.kind === 'utterance');
const finals = (state: SessionState): UtteranceRow[] => utterances(state).filter((row) => row.phase === 'final');

describe('the conversation', () => {
  it('shows final captions in the order they were spoken', () => {
    const texts = finals(stateAt()).map((row) => row.committed);
    expect(texts).toEqual(eventsOf('caption.final').map((event) => event.text));
    expect(texts).toHaveLength(11);
    expect(texts[0]).toBe('Good afternoon. What brings you here today?');
    expect(texts.at(-1)).toBe('We will take you to the hospital. The ambulance is on its way.');
  });

  it('keeps one row per utterance while its partials follow each other', () => {
    const state = stateAt(12);
    expect(state.rows.length).toBe(1);
    const [row] = utterances(state);
    expect(row).toMatchObject({ phase: 'partial', ended: false, committed: 'Good afternoon. What brings' });
    expect(row?.tentative).not.toBe('');
  });

  it('replaces the partial by the final text and leaves nothing tentative', () => {
    const first = present(eventsOf('caption.final')[0]);
    const before = present(utterances(stateAt(first.seq - 1))[0]);
    const after = present(utterances(stateAt(first.seq))[0]);
    expect(before.phase).toBe('partial');
    expect(after).toMatchObject({ phase: 'final', committed: first.text, tentative: '', ended: true, key: before.key });
    expect(after.final).toEqual({ seq: first.seq, at: first.at, latencyMs: first.latency_ms, confidence: first.confidence });
  });

  it('lets no partial change a text that is final', () => {
    const first = present(eventsOf('caption.final')[0]);
    const partial = present(eventsOf('caption.partial')[0]);
    const settled = stateAt(first.seq);
    const state = reduce(settled, { ...partial, utterance: first.utterance, seq: first.seq + 1 });
    expect(present(utterances(state)[0])).toBe(present(utterances(settled)[0]));
  });

  it('attaches every translation to the caption it translates', () => {
    const rows = finals(stateAt());
    for (const event of eventsOf('translation.final')) {
      const row = present(rows.find((r) => r.final?.seq === event.of));
      expect(row.translations.map((t) => t.value.text)).toEqual([event.text]);
      expect(row.translations[0]?.value.target_language).not.toBe(row.language);
    }
    expect(rows.flatMap((row) => row.translations)).toHaveLength(11);
  });

  it('puts a corrected translation in the place of the earlier one', () => {
    const translation = present(eventsOf('translation.final')[0]);
    const state = reduce(stateAt(), { ...translation, seq: 208, text: 'Corrigida.' });
    const row = present(utterances(state).find((r) => r.key === translation.utterance));
    expect(row.translations.map((t) => t.value.text)).toEqual(['Corrigida.']);
  });

  it('keeps what is still being said, and typed messages, in their places', () => {
    const state = stateAt();
    expect(utterances(state).at(-1)).toMatchObject({ phase: 'partial', committed: 'Obrigada, doutora. A minha filha', tentative: 'vai comigo' });
    const rows = [...state.rows];
    const chat = rows.findIndex((row) => row.kind === 'chat');
    expect(rows[chat]).toMatchObject({ participant: 'clinician', text: 'Film from this morning received: portable, AP.' });
    expect(present(rows[chat - 1]).seq).toBeLessThan(133);
    expect(present(rows[chat + 1]).seq).toBeGreaterThan(133);
  });

  it('marks noise as dropped, without text', () => {
    const dropped = utterances(stateAt()).filter((row) => row.phase === 'dropped');
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatchObject({ dropped: 'no_speech', committed: '', tentative: '', ended: true });
  });
});

describe('the sequence', () => {
  it('ignores an event that was taken already, and any older one', () => {
    const state = stateAt(100);
    for (const event of fixture.slice(0, 100)) expect(reduce(state, event)).toBe(state);
  });

  it('comes to the same state when a replay overlaps', () => {
    const overlapping = [...fixture.slice(0, 120), ...fixture.slice(80)];
    expect(overlapping.reduce(reduce, initialState)).toEqual(stateAt());
  });

  it('takes nothing in beyond a hole, says where to read again, and goes on from there', () => {
    const before = stateAt(10);
    const state = reduce(before, present(fixture[11]));
    expect(state).toEqual({ ...before, gap: { expected: 11, got: 12 } });
    const healed = fixture.slice(10).reduce(reduce, state);
    expect(healed).toEqual(stateAt());
  });

  it('moves on over partials that were left out for a slow client', () => {
    const state = reduceNotice(stateAt(6), { notice: 'stream.coalesced', from: 7, to: 12 });
    expect(state.head).toBe(12);
    expect(reduce(state, present(fixture[12])).gap).toBeUndefined();
  });

  it('sees a hole before partials that were left out', () => {
    const state = reduceNotice(stateAt(6), { notice: 'stream.coalesced', from: 9, to: 12 });
    expect(state).toMatchObject({ head: 6, gap: { expected: 7, got: 9 } });
  });
});

describe('the patient', () => {
  it('has the newest NEWS2 with its items, and every score for the trend', () => {
    const state = stateAt();
    expect(state.risk?.value).toMatchObject({ score: 'NEWS2', total: 9, band: 'high' });
    const items = present(state.risk).value.items;
    expect(items.reduce((sum, item) => sum + item.points, 0)).toBe(9);
    const totals = [...state.scores].map((score) => score.value.total);
    expect(totals).toHaveLength(30);
    expect(Math.max(...totals)).toBe(13);
  });

  it('knows which parameter the score is missing', () => {
    expect(stateAt(5).risk?.value.missing).toEqual(['temperature']);
  });

  it('has every vital sign sample in order, at the time the monitor gave', () => {
    const samples = [...stateAt().samples];
    const observed = eventsOf('vitals.observed');
    expect(samples.map((s) => s.vitals.heart_rate)).toEqual(observed.map((e) => e.vitals.heart_rate));
    expect(samples.map((s) => s.time)).toEqual(observed.map((e) => Date.parse(e.taken_at)));
    expect(samples).toHaveLength(30);
  });

  it('keeps the last temperature while later samples have none', () => {
    const { newest, monitor } = stateAt();
    expect(newest.heart_rate).toMatchObject({ value: 115, seq: 204 });
    expect(newest.temperature?.value).toBe(38.6);
    expect(present(newest.temperature).seq).toBeLessThan(204);
    expect(monitor?.application).toBe('BEDSIDE');
  });

  it('does not believe a monitor whose clock is far off', () => {
    const sample = present(eventsOf('vitals.observed')[0]);
    const state = reduce(stateAt(3), { ...sample, taken_at: '2019-01-01T00:00:00Z' });
    expect(state.samples.at(0)?.time).toBe(Date.parse(sample.at));
  });

  it('has an alarm standing from when it is raised until it is cleared', () => {
    expect(stateAt(82).alarms.map((a) => [a.raised.value.kind, a.cleared])).toEqual([['news2_urgent', undefined]]);
    const [urgent, emergency] = stateAt().alarms;
    expect(urgent?.cleared).toMatchObject({ seq: 131, because: 130 });
    expect(emergency).toMatchObject({ raised: { value: { kind: 'news2_emergency', priority: 'high', because: 130 } } });
    expect(emergency?.cleared).toBeUndefined();
  });

  it('has an image first received, then ready', () => {
    expect(stateAt(127).images).toHaveLength(1);
    expect(stateAt(127).images[0]?.ready).toBeUndefined();
    expect(stateAt().images[0]?.ready?.value).toMatchObject({ modality: 'DX', burned_in_text_possible: true });
  });
});

describe('the session', () => {
  it('has a report in both languages whose sources all came before it', () => {
    expect(stateAt(190).reportPending).toBe(190);
    const state = stateAt();
    expect(state.reportPending).toBeUndefined();
    const report = present(state.report);
    expect(report.value.texts.map((t) => t.language)).toEqual(['pt', 'en']);
    const sources = report.value.texts.flatMap((t) => t.sections).flatMap((s) => s.sentences).flatMap((s) => s.sources);
    expect(sources.length).toBeGreaterThan(10);
    expect(Math.max(...sources)).toBeLessThan(report.seq);
  });

  it('lists what went wrong, rejected vital signs included', () => {
    expect(stateAt().notices.map((n) => [n.component, n.what.kind])).toEqual([
      ['vitals', 'rejected_vitals'],
      ['audio_track', 'restarted'],
      ['speak', 'error'],
    ]);
  });

  it('has nobody present once it has ended', () => {
    const state = stateAt();
    expect([...state.participants].map(([id, p]) => [id, p.present])).toEqual([['clinician', true], ['patient', true]]);
    const end: Event = { v: 1, session: present(fixture[0]).session, seq: 208, at: '2026-11-23T14:04:01Z', type: 'session.ended', reason: 'idle' };
    const ended = reduce(state, end);
    expect(ended.ended?.value).toBe('idle');
    expect([...ended.participants.values()].some((p) => p.present)).toBe(false);
  });
});
