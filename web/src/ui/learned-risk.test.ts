// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { present } from '../testing/fixture';
import { START, Told } from '../testing/session';
import { chance, clockMinutes } from './format';
import { effectText, LearnedRisk, missingSummary } from './learned-risk';
import { Popover, Tooltip } from './popover';
import { Sources } from './sources';

let told: Told;
let view: LearnedRisk;

const find = (testid: string): HTMLElement => present(view.element.querySelector<HTMLElement>(`[data-testid="${testid}"]`));

beforeEach(() => {
  told = new Told();
  view = new LearnedRisk(told.store, new Sources(told.store, new Popover(), new Tooltip()), () => told.now);
  document.body.replaceChildren(view.element);
});

describe('the learned risk', () => {
  it('is not there before the model has said anything', () => {
    expect(view.element.hidden).toBe(true);
    told.predict();
    expect(view.element.hidden).toBe(false);
  });

  it('says how likely what is, within which hours', () => {
    told.predict();
    expect(find('learned-chance').textContent).toBe('3.1 %');
    expect(view.element.textContent).toContain(`chance that sepsis begins within 6 h, by ${clockMinutes(START + 6 * 3_600_000)}`);
  });

  it('says which measurements raised and lowered it, the strongest first', () => {
    told.predict();
    const effects = [...view.element.querySelectorAll<HTMLElement>('.effects li')];
    expect(effects.map((li) => li.dataset.direction)).toEqual(['up', 'down']);
    expect(effects[0]?.textContent).toBe('▲Respiration 28 /min: raises it, odds × 1.60');
    expect(effects[1]?.textContent).toBe('▼Temperature 36.8 °C, 3 h ago: lowers it, odds × 0.80');
  });

  it('keeps the weaker effects behind a fold that stays open', () => {
    const contributions = [5, 4, 3, 2, 1, 0].map((effect) => ({ parameter: `p${effect}`, value: '1', hours_ago: 0, effect }));
    told.predict({ contributions });
    const rest = find('learned-rest') as HTMLDetailsElement;
    expect([rest.hidden, rest.open, rest.querySelector('summary')?.textContent]).toEqual([false, false, '2 smaller effects']);
    rest.open = true;
    told.predict({ contributions: contributions.slice(0, 5) });
    expect([rest.open, rest.querySelector('summary')?.textContent]).toEqual([true, '1 smaller effect']);
  });

  it('names the model and its version, and is never a diagnosis', () => {
    told.predict();
    expect(find('learned-model').textContent).toBe('deteriorate 1.0.0 · from 5 h of record');
    expect(view.element.textContent).toContain('Decision support, never a diagnosis');
    told.predict({ record_hours: 1 });
    expect(find('learned-model').textContent).toContain('of which the model knows little');
  });

  it('lists what was never measured', () => {
    told.predict({ missing: ['temperature', 'creatinine', 'lactate'] });
    const missing = find('learned-missing');
    expect(missing.querySelector('summary')?.textContent).toBe('Never measured: Temperature, 2 laboratory values');
    expect(missing.querySelector('p')?.textContent).toBe('Temperature, creatinine, lactate');
    told.predict({ missing: [] });
    expect(missing.hidden).toBe(true);
  });

  it('says in words when it is out of date, as time passes and as measurements come', () => {
    told.predict();
    expect(find('learned-stale').hidden).toBe(true);
    told.wait(6 * 3_600 + 1);
    view.tick();
    expect(view.element.hasAttribute('data-stale')).toBe(true);
    expect(find('learned-stale').textContent).toBe('Out of date: the hours that it spoke of have passed.');
    told.predict();
    expect(view.element.hasAttribute('data-stale')).toBe(false);
    told.wait(600);
    told.observe();
    expect(find('learned-stale').textContent).toBe(`Out of date: what was measured at ${clockMinutes(told.now)} is not in it.`);
  });
});

describe('its words', () => {
  it('give a chance no more digits than it has', () => {
    expect([0, 0.000_4, 0.031, 0.099_6, 0.314, 0.999].map(chance)).toEqual(['<0.1 %', '<0.1 %', '3.1 %', '10 %', '31 %', '>99 %']);
  });

  it('do not make much of an effect that is none', () => {
    expect(effectText({ parameter: 'spo2', value: '97 %', hours_ago: 0, effect: -0.001 })).toEqual({ text: 'SpO₂ 97 %: hardly moves it', direction: 'none' });
  });

  it('name vital signs that somebody could measure now, and count the laboratory', () => {
    expect(missingSummary(['mean_bp', 'lactate'])).toBe('Never measured: Mean BP, 1 laboratory value');
    expect(missingSummary(['spo2'])).toBe('Never measured: SpO₂');
    expect(missingSummary([])).toBe('');
  });
});
