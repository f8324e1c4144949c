// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../state/store';
import { fixture, present } from '../testing/fixture';
import { Microphone } from './microphone';

let store: Store;
let microphone: Microphone;

const join = (): HTMLButtonElement => present(microphone.element.querySelector<HTMLButtonElement>('[data-testid="join-mic"]'));

beforeEach(() => {
  localStorage.clear();
  store = new Store((run) => { run(); });
  microphone = new Microphone('session', store);
});

describe('joining with the microphone', () => {
  it('waits for the languages of the session', () => {
    expect(join().disabled).toBe(true);
    store.apply(present(fixture[0]));
    expect(join().disabled).toBe(false);
  });

  it('gives the patient the first language of the session, the clinician the second', () => {
    store.apply(present(fixture[0]));
    expect([microphone.role, microphone.spokenLanguage]).toEqual(['clinician', 'en']);
    localStorage.setItem('healthsync.role', 'patient');
    microphone = new Microphone('session', store);
    expect([microphone.role, microphone.spokenLanguage]).toEqual(['patient', 'pt']);
  });

  it('is gone once the session has ended', () => {
    store.apply(present(fixture[0]));
    store.apply({ v: 1, session: present(fixture[0]).session, seq: 2, at: '2026-11-23T14:02:09Z', type: 'session.ended', reason: 'ended' });
    expect(microphone.element.hidden).toBe(true);
  });
});
