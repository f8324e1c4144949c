// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Offline, OFFLINE_AFTER_MS } from './offline';
import { wordsFor } from './words';

let offline: Offline;
let out: boolean | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date(2026, 10, 23, 14, 2, 0) });
  out = undefined;
  offline = new Offline((now) => { out = now; }, Date.now, wordsFor('en'));
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the line that says the page is out of date', () => {
  it('stays away while a drop heals quickly', () => {
    offline.setStatus({ phase: 'live' });
    offline.setStatus({ phase: 'waiting', attempt: 1, delayMs: 250 });
    vi.advanceTimersByTime(OFFLINE_AFTER_MS - 1);
    offline.setStatus({ phase: 'live' });
    vi.advanceTimersByTime(60_000);
    expect(offline.element.hidden).toBe(true);
    expect(out).toBe(false);
  });

  it('names when the connection was lost, not when it was last tried', () => {
    offline.setStatus({ phase: 'live' });
    vi.advanceTimersByTime(10_000);
    offline.setStatus({ phase: 'waiting', attempt: 1, delayMs: 250 });
    vi.advanceTimersByTime(1_000);
    offline.setStatus({ phase: 'connecting' });
    offline.setStatus({ phase: 'waiting', attempt: 2, delayMs: 500 });
    vi.advanceTimersByTime(OFFLINE_AFTER_MS - 1_000);
    expect(offline.element.hidden).toBe(false);
    expect(offline.element.textContent).toContain('No connection since 14:02:10.');
    expect(out).toBe(true);
    offline.setStatus({ phase: 'live' });
    expect(offline.element.hidden).toBe(true);
    expect(out).toBe(false);
  });

  it('does not lead somebody invited to the list of sessions', () => {
    const guests = new Offline(() => undefined, () => 0, wordsFor('pt'), true);
    guests.setStatus({ phase: 'gone', reason: 'There is no such session on this server.' });
    expect([guests.element.textContent, guests.element.querySelector('a')]).toEqual(['Consulta inexistente', null]);
  });

  it('leads back to the sessions when there is nothing to wait for', () => {
    offline.setStatus({ phase: 'gone', reason: 'There is no such session on this server.' });
    expect(offline.element.hidden).toBe(false);
    expect(offline.element.textContent).toContain('There is no such session');
    expect(offline.element.querySelector('a')?.getAttribute('href')).toBe('/');
  });
});
