import type { Event } from '@events';
import { describe, expect, it } from 'vitest';
import { call, eventsOf, present, stateAt } from '../testing/fixture';
import type { SessionState, UtteranceRow } from './model';
import { awaited } from './presence';
import { reduce } from './reduce';

const at = (type: Event['type'], n = 0): number => present(eventsOf(type, call)[n]).seq;
const after = (type: Event['type'], n = 0): SessionState => stateAt(at(type, n), call);
const rows = (state: SessionState): UtteranceRow[] => [...state.rows].filter((row) => row.kind === 'utterance');

describe('who is in a call', () => {
  it('knows who was invited, and until when', () => {
    const { invitations, participants } = after('participant.invited');
    expect(invitations.get('patient')?.value).toMatchObject({ language: 'und', expires_at: '2026-11-24T10:30:00.000Z' });
    expect(participants.has('patient')).toBe(false);
  });

  it('knows who was invited and has not come, as long as the invitation holds', () => {
    const invited = after('participant.invited');
    const until = Date.parse(present(invited.invitations.get('patient')).value.expires_at);
    expect(awaited(invited, until - 1)).toEqual(['patient']);
    expect(awaited(invited, until)).toEqual([]);
    const { seq } = present(eventsOf('participant.joined', call).find((e) => e.participant === 'patient'));
    expect(awaited(stateAt(seq, call), until - 1)).toEqual([]);
  });

  it('knows what everybody sends, and forgets it when they leave', () => {
    expect(after('media.changed', 1).media.get('patient')).toEqual({ audio: 'on', video: 'on' });
    expect(after('media.changed', 2).media.get('patient')).toEqual({ audio: 'on', video: 'muted' });
    const end = stateAt(call.length, call);
    expect([...end.media]).toEqual([['clinician', { audio: 'muted', video: 'on' }]]);
    expect(end.participants.get('patient')?.present).toBe(false);
  });

  it('sees somebody come again', () => {
    const state = stateAt(call.length, call);
    const joined = present(eventsOf('participant.joined', call)[1]);
    const at = '2026-11-24T09:40:00Z';
    const again = reduce(state, { ...joined, seq: state.head + 1, at });
    expect(again.participants.get('patient')).toMatchObject({ present: true, joinedAt: at });
    expect(state.participants.get('patient')?.joinedAt).toBe(joined.at);
  });

  it('leaves nobody in the call who sends nothing, though it be said only after they left', () => {
    const left = stateAt(call.length, call);
    const off = { v: 1, session: present(call[0]).session, seq: left.head + 1, at: '2026-11-24T09:40:00Z', type: 'media.changed', participant: 'patient', audio: 'off', video: 'off' } as const;
    expect([...reduce(left, off).media.keys()]).toEqual(['clinician']);
  });

  it('knows a language as told, then as found out, then as put right', () => {
    expect(after('participant.joined', 1).participants.get('patient')).toMatchObject({ language: 'und', known: 'told' });
    const detected = after('language.detected').participants.get('patient');
    expect(detected).toMatchObject({ language: 'pt', known: 'detected', probability: 0.97, present: true });
    const set = after('language.set').participants.get('patient');
    expect(set).toMatchObject({ language: 'pt', known: 'set' });
    expect(set?.probability).toBeUndefined();
  });

  it('takes no notice of the language of somebody unknown', () => {
    const state = after('session.started');
    const event = present(eventsOf('language.set', call)[0]);
    expect(reduce(state, { ...event, seq: 2 }).participants.size).toBe(0);
  });

  it('is over with the session', () => {
    const state = after('media.changed', 1);
    const ended = reduce(state, { v: 1, session: present(call[0]).session, seq: state.head + 1, at: '2026-11-24T09:30:41Z', type: 'session.ended', reason: 'ended' });
    expect(ended.media.size).toBe(0);
  });
});

describe('a translation', () => {
  it('is there in part while the words still come, and whole in its place afterwards', () => {
    const during = present(rows(after('translation.partial'))[0]);
    expect(during.phase).toBe('partial');
    expect(during.drafts.map((d) => d.value.text)).toEqual(['Good morning, doctor.']);
    const whole = present(rows(after('translation.final'))[0]);
    expect(whole.drafts).toEqual([]);
    expect(whole.translations.map((t) => t.value.text)).toEqual(['Good morning, doctor. I have had chest pain since last night.']);
  });

  it('in part that comes late changes nothing', () => {
    const state = after('translation.final');
    const late = reduce(state, { ...present(eventsOf('translation.partial', call)[0]), seq: state.head + 1 });
    expect(present(rows(late)[0]).drafts).toEqual([]);
  });

  it('carries what it did not keep, and that it was not spoken', () => {
    const row = present(rows(stateAt(call.length, call))[2]);
    expect(row.translations[0]?.value.preservation?.findings.map((f) => [f.kind, f.problem])).toEqual([['unit', 'changed'], ['negation', 'missing']]);
    expect(row.skipped.map((s) => s.value.reason)).toEqual(['not_preserved']);
    expect(row.speech).toEqual([]);
  });

  it('knows whether it was spoken to its end', () => {
    const spoken = rows(stateAt(call.length, call)).flatMap((row) => row.speech.map((s) => s.completed?.interrupted));
    expect(spoken).toEqual([false, false, true]);
    expect(rows(after('speech.announced'))[0]?.speech[0]?.completed).toBeUndefined();
  });
});

describe('a caption', () => {
  it('knows how sure the recogniser was of each word', () => {
    const words = present(rows(stateAt(call.length, call))[0]?.final?.words);
    expect(words.filter((w) => w.probability < 0.6).map((w) => w.text)).toEqual(['ontem']);
    expect(words.map((w) => w.text).join(' ')).toBe(present(rows(stateAt(call.length, call))[0]).committed);
  });
});
