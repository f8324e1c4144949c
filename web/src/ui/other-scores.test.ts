// @vitest-environment happy-dom
import type { ClinicalScore } from '@events';
import { beforeEach, describe, expect, it } from 'vitest';
import { present } from '../testing/fixture';
import { clinicalScore, Told } from '../testing/session';
import { clockMinutes } from './format';
import { carriedText, missingText, OtherScores } from './other-scores';
import { Popover, Tooltip } from './popover';
import { Sources } from './sources';

const MEASURED = '2026-11-28T09:10:00Z';

let told: Told;
let view: OtherScores;

const line = (name: string): string => present(view.element.querySelector(`[data-testid="score-${name}"] summary`)).textContent;
const compute = (...scores: ClinicalScore[]): number => told.say({ type: 'scores.computed', scores, because: 1 });

beforeEach(() => {
  told = new Told();
  view = new OtherScores(told.store, new Sources(told.store, new Popover(), new Tooltip()));
  document.body.replaceChildren(view.element);
});

describe('the scores beside NEWS2', () => {
  it('are not there before one was made, nor when none is made any more', () => {
    expect(view.element.hidden).toBe(true);
    compute(clinicalScore());
    expect(view.element.hidden).toBe(false);
    compute();
    expect(view.element.hidden).toBe(true);
  });

  it('say name, total, band, and that a total is a lower bound while something is missing', () => {
    compute(
      clinicalScore({ value: 4, band: 'medium' }),
      clinicalScore({ score: 'sirs', value: 1, max: 4, missing: ['white_cells'] }),
    );
    expect(line('mews')).toContain('4 of 14Medium risk');
    const bounds = ['mews', 'sirs'].map((name) => present(view.element.querySelector<HTMLElement>(`[data-testid="score-${name}"] .bound`)).hidden);
    expect(bounds).toEqual([true, false]);
    expect(line('sirs')).toContain('at least 1 of 4Low risk');
    expect(line('sirs')).toContain('Not measured: White cells');
  });

  it('give a quotient two decimals and no points', () => {
    const quotient = clinicalScore({ score: 'shock_index', value: 0.9, band: 'medium' });
    delete quotient.max;
    compute(quotient);
    expect(line('shock_index')).toContain('0.90Medium risk');
    expect(view.element.querySelector('.points')).toBeNull();
  });

  it('show their items on demand, which stay open while values change', () => {
    compute(clinicalScore());
    const details = present(view.element.querySelector('details'));
    expect(details.open).toBe(false);
    details.open = true;
    compute(clinicalScore({ value: 3, items: [{ parameter: 'respiratory_rate', value: '31 /min', range: '≥30 /min', points: 3 }] }));
    expect(view.element.querySelector('details')).toBe(details);
    expect(details.open).toBe(true);
    expect(details.querySelector('tbody')?.textContent).toBe('Respiration31 /min≥30 /min3');
  });

  it('leave with the age that they are meant for', () => {
    compute(clinicalScore(), clinicalScore({ score: 'qsofa', max: 3 }));
    compute(clinicalScore({ score: 'pews', max: 26 }));
    expect([...view.element.querySelectorAll('li')].map((li) => li.dataset.testid)).toEqual(['score-pews']);
  });
});

describe('what is missing', () => {
  const carried = { parameter: 'temperature', measured_at: MEASURED, max_age_seconds: 43_200 };

  it('was never measured, or is too old to count', () => {
    expect(missingText({ missing: ['consciousness', 'temperature'], carried: [{ ...carried, stale: true }] })).toBe(
      `Not measured: Consciousness · too old: Temperature (${clockMinutes(MEASURED)})`,
    );
    expect(missingText({})).toBe('');
  });

  it('is told from what counts for a while longer, and from what was not believed', () => {
    expect(carriedText({ carried: [{ ...carried, stale: true }] })).toBe('');
    expect(carriedText({ carried: [{ ...carried, doubted: true }] })).toBe(
      `Carried forward: Temperature from ${clockMinutes(MEASURED)}, which counts for 12 h, a newer value was not believed.`,
    );
  });
});
