// @vitest-environment happy-dom
import type { WardMessage } from '@events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { present } from '../testing/fixture';
import { changes, NOW, scored, snapshot, wardRow } from '../testing/ward';

class FakeSocket {
  static newest: FakeSocket | undefined;
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.newest = this;
  }
  close(): void {
    this.onclose = null;
  }
  say(message: WardMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
    vi.advanceTimersByTime(20);
  }
}

const socket = (): FakeSocket => present(FakeSocket.newest);
let root: HTMLElement;

/** Rows as a screen reader meets them, which must be their order on the screen. */
function rows(): string[] {
  const elements = [...root.querySelectorAll<HTMLElement>('[data-testid="ward-row"]')];
  const indices = elements.map((e) => Number(e.getAttribute('aria-rowindex')));
  expect(indices).toEqual(indices.toSorted((a, b) => a - b));
  return elements.map((e) => present(e.querySelector('.ward-link')).textContent);
}

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.parse(NOW) });
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined }));
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, 16));
  // No layout here: the list is as high as ten rows.
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(580);
  root = document.createElement('div');
  document.body.replaceChildren(root);
  const { openWard } = await import('./ward');
  openWard(root);
  socket().onopen?.();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('the ward view', () => {
  it('shows those who need somebody first on top, and moves them as they change', () => {
    socket().say(snapshot([wardRow(1, scored(1)), wardRow(2, scored(9)), wardRow(3, scored(4))]));
    expect(rows()).toEqual(['BED-002', 'BED-003', 'BED-001']);
    socket().say(changes([wardRow(1, scored(12))]));
    expect(rows()).toEqual(['BED-001', 'BED-002', 'BED-003']);
    expect(present(root.querySelector('[data-testid="ward-counts"]')).textContent).toBe('3 patients · 2 high · 0 medium · 0 with alarms');
  });

  it('has elements only for the rows in sight, however many patients there are', () => {
    socket().say(snapshot(Array.from({ length: 200 }, (_, i) => wardRow(i, scored(i % 20)))));
    expect(rows().length).toBeLessThan(20);
    expect(present(root.querySelector('[role="table"]')).getAttribute('aria-rowcount')).toBe('201');
  });

  it('keeps an element for whoever has the focus, wherever they go', () => {
    socket().say(snapshot(Array.from({ length: 100 }, (_, i) => wardRow(i, scored(5)))));
    const first = present(root.querySelector<HTMLElement>('.ward-link'));
    first.focus();
    socket().say(changes([wardRow(0, scored(0))]));
    expect(document.activeElement).toBe(first);
    expect(rows()).toContain('BED-000');
  });

  it('says how old values are, and when they no longer describe the patient', () => {
    socket().say(snapshot([wardRow(1)]));
    vi.advanceTimersByTime(42_000);
    const cell = present(root.querySelector('[data-vital="hr"]'));
    expect(cell.textContent).toBe('61/min · 42 s ago');
    vi.advanceTimersByTime(300_000);
    expect(cell.hasAttribute('data-stale')).toBe(true);
    expect(present(root.querySelector('[data-vital="temp"]')).hasAttribute('data-missing')).toBe(true);
  });

  it('counts ages by the server’s clock', () => {
    vi.setSystemTime(Date.parse(NOW) - 3_600_000);
    socket().say(snapshot([wardRow(1)]));
    vi.advanceTimersByTime(10_000);
    expect(present(root.querySelector('[data-vital="hr"]')).textContent).toBe('61/min · 10 s ago');
  });

  it('says a new alarm of high priority, and not those that stood already', () => {
    const alarm = (id: string) => ({ alarms: [{ alarm: id, kind: 'news2_emergency' as const, priority: 'high' as const, message: 'NEWS2 of 9', since: NOW }] });
    socket().say(snapshot([wardRow(1, alarm('old'))]));
    socket().say(changes([wardRow(2, alarm('new'))]));
    vi.advanceTimersByTime(1_000);
    expect(present(root.querySelector('.sr[aria-live]')).textContent).toBe('BED-002: NEWS2 of 9.');
  });

  it('tells in words which alarms are about the equipment, and does not let them hide one about the patient', () => {
    const alarm = (kind: 'no_data' | 'sensor_off' | 'news2_single_parameter', priority: 'medium' | 'low', message: string) => ({ alarm: kind, kind, priority, message, since: NOW });
    const equipment = [alarm('no_data', 'medium', 'The monitor sends nothing'), alarm('sensor_off', 'low', 'SpO₂ is no longer measured')];
    socket().say(snapshot([wardRow(1, { ...scored(9), alarms: equipment }), wardRow(2, { ...scored(3), alarms: [...equipment, alarm('news2_single_parameter', 'low', 'One parameter scores 3')] })]));
    const shown = [...root.querySelectorAll('[data-testid="ward-row"]')].map((row) => [row.getAttribute('data-alarm-class'), row.querySelector('[data-testid="ward-alarms"]')?.textContent]);
    expect(shown).toEqual([
      ['technical', 'Technical: The monitor sends nothing +1'],
      ['clinical', 'One parameter scores 3 · 2 technical'],
    ]);
    expect(present(root.querySelector('[data-testid="ward-counts"]')).textContent).toBe('2 patients · 1 high · 0 medium · 2 with alarms (1 technical only)');
  });

  it('moves through patients with the arrow keys', () => {
    socket().say(snapshot([wardRow(1, scored(3)), wardRow(2, scored(2)), wardRow(3, scored(1))]));
    const links = [...root.querySelectorAll<HTMLElement>('.ward-link')];
    present(links[0]).focus();
    const press = (key: string): void => { present(document.activeElement).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); };
    press('ArrowDown');
    expect(document.activeElement).toBe(links[1]);
    press('End');
    expect(document.activeElement).toBe(links[2]);
  });
});
