// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { present, stateAt } from '../testing/fixture';
import { changes, inWords, ScoreTimeline } from './score-timeline';

const scores = [...stateAt().scores];
const steps = changes(scores);

describe('the timeline of NEWS2', () => {
  let timeline: ScoreTimeline;
  let slider: HTMLElement;
  const card = (): string => present(timeline.element.querySelector('[data-testid="score-card"]')).textContent;
  const press = (key: string): void => { slider.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); };

  beforeEach(() => {
    timeline = new ScoreTimeline();
    document.body.replaceChildren(timeline.element);
    timeline.render(scores, Date.parse(present(scores.at(-1)).at) + 10_000);
    slider = present(timeline.element.querySelector<HTMLElement>('[role="slider"]'));
  });

  it('has a step for each score that says something new', () => {
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.length).toBeLessThan(scores.length);
    const path = present(timeline.element.querySelector('.trend')?.getAttribute('d'));
    expect(path.match(/V/g)).toHaveLength(steps.length);
  });

  it('explains each step, item by item, to the keyboard', () => {
    slider.dispatchEvent(new Event('focus'));
    const last = present(steps.at(-1));
    expect(card()).toContain(`NEWS2 ${last.value.missing.length > 0 ? 'at least ' : ''}${last.value.total}`);
    press('Home');
    const first = present(steps[0]);
    expect(slider.getAttribute('aria-valuetext')).toBe(inWords(first));
    for (const item of first.value.items) expect(card()).toContain(item.value);
    press('ArrowRight');
    expect(slider.getAttribute('aria-valuenow')).toBe('1');
    press('ArrowLeft');
    press('ArrowLeft');
    expect(slider.getAttribute('aria-valuenow')).toBe('0');
  });

  it('stays at the step somebody looks at while new scores come', () => {
    slider.dispatchEvent(new Event('focus'));
    press('Home');
    const before = slider.getAttribute('aria-valuetext');
    timeline.render([...scores, { ...present(scores.at(-1)), value: { ...present(scores.at(-1)).value, total: 20 } }], Date.now());
    expect(slider.getAttribute('aria-valuetext')).toBe(before);
  });

  it('says what is missing, and that nothing scores', () => {
    const score = { ...present(scores[0]), value: { total: 0, band: 'low' as const, items: [], missing: ['spo2'] } };
    expect(inWords(score)).toMatch(/^NEWS2 at least 0, low risk, .*\. nothing scores\. not measured: SpO₂$/);
  });
});
