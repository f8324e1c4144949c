/** The scores beside NEWS2: a line each, and on demand what made it. */
import type { CarriedItem, ClinicalScore, ScoreName } from '@events';
import type { SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, setAttribute, setText } from './dom';
import { BAND_NAME, clockMinutes, clockTime, parameterName, SCORE_NAME } from './format';
import { ItemTable } from './item-table';
import type { Sources } from './sources';

/** Not read out by itself: it changes with every other observation, and NEWS2 and alarms are. */
export class OtherScores {
  readonly element: HTMLElement;
  private readonly since = h('span', { class: 'fine' });
  private readonly list = h('ul', { class: 'score-list' });
  private readonly rows = new Map<ScoreName, ScoreRow>();

  constructor(store: Store, private readonly sources: Sources) {
    this.element = h(
      'section',
      { class: 'panel other-scores', 'aria-labelledby': 'scores-title', hidden: true, 'data-testid': 'other-scores' },
      h('header', { class: 'panel-head' }, h('h2', { id: 'scores-title' }, 'Other scores'), this.since),
      this.list,
    );
    store.subscribe((state, previous) => {
      if (state.otherScores !== previous.otherScores) this.render(state);
    });
  }

  private render({ otherScores }: SessionState): void {
    const scores = otherScores?.value.scores ?? [];
    this.element.hidden = scores.length === 0;
    // The server says them again only when one of them is no longer what it was.
    setText(this.since, otherScores === undefined ? '' : `As of ${clockTime(otherScores.at)}`);
    const names = new Set(scores.map((score) => score.score));
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.rows.delete(name);
    }
    scores.forEach((score, i) => {
      const row = this.rows.get(score.score) ?? new ScoreRow(score, this.sources);
      this.rows.set(score.score, row);
      row.update(score);
      if (this.list.children[i] !== row.element) this.list.insertBefore(row.element, this.list.children[i] ?? null);
    });
  }
}

/** Stays the same element, so that what somebody has opened stays open. */
class ScoreRow {
  readonly element: HTMLElement;
  /** Chart convention for the eye, words for the ear. */
  private readonly bound = h('span', { class: 'bound' }, h('span', { 'aria-hidden': 'true' }, '≥'), h('span', { class: 'sr' }, 'at least '));
  private readonly value = h('span', { class: 'score-value' });
  private readonly max = h('span', { class: 'score-max' });
  private readonly band = h('span', { class: 'score-band' });
  private readonly missing = h('span', { class: 'score-missing' });
  private readonly table: ItemTable;
  private readonly carried = h('p', { class: 'fine' });
  private score: ClinicalScore;

  constructor(score: ClinicalScore, sources: Sources) {
    this.score = score;
    this.table = new ItemTable(score.max !== undefined);
    const [short, long] = SCORE_NAME[score.score];
    const summary = h(
      'summary',
      {},
      h('abbr', { class: 'score-name', title: long }, short),
      h('span', { class: 'score-figure' }, this.bound, this.value, this.max),
      this.band,
      this.missing,
    );
    const info = sources.provenanceButton(`${short} score`, () => this.score.provenance);
    const details = h('details', {}, summary, h('div', { class: 'score-items' }, this.table.element, h('div', { class: 'score-foot' }, this.carried, info)));
    this.element = h('li', { 'data-testid': `score-${score.score}` }, details);
  }

  update(score: ClinicalScore): void {
    this.score = score;
    const missing = missingText(score);
    setAttribute(this.element, 'data-band', score.band);
    this.bound.hidden = missing === '';
    setText(this.value, valueText(score));
    setText(this.max, score.max === undefined ? '' : ` of ${score.max}`);
    setText(this.band, `${BAND_NAME[score.band]} risk`);
    setText(this.missing, missing);
    this.missing.hidden = missing === '';
    this.table.render(score.items);
    const carried = carriedText(score);
    setText(this.carried, carried);
    this.carried.hidden = carried === '';
  }
}

/** Points are whole; a quotient has two decimals. */
export function valueText({ value, max }: Pick<ClinicalScore, 'value' | 'max'>): string {
  return max === undefined ? value.toFixed(2) : String(value);
}

/** `Not measured: White cells · too old: Temperature (09:10)`; empty when nothing is missing. */
export function missingText({ missing = [], carried = [] }: Pick<ClinicalScore, 'missing' | 'carried'>): string {
  const old = carried.filter((item) => item.stale === true && missing.includes(item.parameter));
  const never = missing.filter((parameter) => !old.some((item) => item.parameter === parameter));
  const parts = [
    never.length > 0 && `not measured: ${never.map(parameterName).join(', ')}`,
    old.length > 0 && `too old: ${old.map((item) => `${parameterName(item.parameter)} (${clockMinutes(item.measured_at)})`).join(', ')}`,
  ].filter((part) => part !== false);
  const text = parts.join(' · ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What was scored with an earlier value, since when, and for how long it counts. */
export function carriedText({ carried = [] }: Pick<ClinicalScore, 'carried'>): string {
  const used = carried.filter((item) => item.stale !== true);
  return used.length === 0 ? '' : `Carried forward: ${used.map(carriedItem).join('; ')}.`;
}

function carriedItem({ parameter, measured_at: at, max_age_seconds: maxAge, doubted }: CarriedItem): string {
  const counts = maxAge >= 3_600 ? `${Math.round(maxAge / 3_600)} h` : `${Math.round(maxAge / 60)} min`;
  const doubt = doubted === true ? ', a newer value was not believed' : '';
  return `${parameterName(parameter)} from ${clockMinutes(at)}, which counts for ${counts}${doubt}`;
}
