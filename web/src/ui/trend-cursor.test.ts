// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { TrendCursor } from './trend-cursor';

let moved: (number | undefined)[];
let cursor: TrendCursor;

const press = (key: string): void => { cursor.element.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true })); };
const said = (): string | null => cursor.element.getAttribute('aria-valuetext');

beforeEach(() => {
  moved = [];
  cursor = new TrendCursor((time) => `at ${time}`, (time) => { moved.push(time); });
  cursor.set(Array.from({ length: 30 }, (_, i) => i * 1_000));
});

describe('the cursor of the trend', () => {
  it('begins with the newest measurement and says each that it comes to', () => {
    cursor.element.dispatchEvent(new Event('focus'));
    expect(said()).toBe('at 29000');
    press('ArrowLeft');
    press('PageUp');
    expect([said(), moved]).toEqual(['at 18000', [29_000, 28_000, 18_000]]);
    press('Home');
    press('ArrowLeft');
    expect(said()).toBe('at 0');
  });

  it('stays at its moment while older measurements leave and newer ones come', () => {
    cursor.element.dispatchEvent(new Event('focus'));
    press('ArrowLeft');
    cursor.set(Array.from({ length: 30 }, (_, i) => i * 1_000 + 5_000));
    press('ArrowRight');
    expect(said()).toBe('at 29000');
  });

  it('leaves the charts alone when the focus goes', () => {
    cursor.element.dispatchEvent(new Event('focus'));
    cursor.element.dispatchEvent(new Event('blur'));
    expect(moved.at(-1)).toBeUndefined();
  });

  it('does nothing where there is nothing', () => {
    cursor.set([]);
    cursor.element.dispatchEvent(new Event('focus'));
    press('Home');
    expect(moved).toEqual([]);
  });
});
