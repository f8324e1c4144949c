/** The NEWS2 tile: total, band in words and colour, every item with its chart range, what is missing, the trend. */
import type { RiskScored } from '@events';
import type { SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, setAttribute, setText } from './dom';
import { BAND_NAME, BAND_RESPONSE, clockTime, parameterName } from './format';
import { ItemTable } from './item-table';
import type { Sources } from './sources';
import { ScoreTimeline } from './score-timeline';

export class News2 {
  readonly element: HTMLElement;
  private readonly total = h('span', { class: 'total', 'data-testid': 'news2-total' }, '–');
  private readonly bound = h('span', { class: 'bound' });
  private readonly band = h('strong', { class: 'band' }, 'Not scored yet');
  private readonly response = h('span', { class: 'response' }, 'Waits for the first vital signs');
  private readonly timeline = new ScoreTimeline();
  private readonly missing = h('p', { class: 'missing', hidden: true });
  private readonly table = new ItemTable();
  private readonly tile: HTMLElement;
  private readonly scoredAt = h('span', { class: 'fine' });
  private risk: RiskScored | undefined;

  constructor(store: Store, sources: Sources) {
    this.table.element.hidden = true;
    this.tile = h(
      'div',
      { class: 'score', role: 'status', 'aria-live': 'polite', 'aria-atomic': 'true' },
      h('span', { class: 'figure' }, h('span', { class: 'sr' }, 'NEWS2 total '), this.bound, this.total),
      h('span', { class: 'verdict' }, this.band, this.response),
    );
    const info = sources.provenanceButton('score', () => this.risk?.provenance);
    this.element = h(
      'section',
      { class: 'panel news2', 'aria-labelledby': 'news2-title' },
      h('header', { class: 'panel-head' }, h('h2', { id: 'news2-title' }, 'NEWS2'), this.scoredAt, info),
      h('div', { class: 'score-line' }, this.tile),
      this.timeline.element,
      this.missing,
      this.table.element,
    );
    info.hidden = true;
    sources.onPoint((target) => {
      this.element.classList.toggle('marked', target?.place === 'risk');
    });
    store.subscribe((state, previous) => {
      if (state.risk === previous.risk) return;
      this.risk = state.risk?.value;
      info.hidden = this.risk === undefined;
      this.render(state);
    });
  }

  private render(state: SessionState): void {
    const risk = state.risk;
    setAttribute(this.tile, 'data-band', risk?.value.band);
    this.table.element.hidden = risk === undefined;
    if (risk === undefined) {
      this.renderNothing();
      return;
    }
    const { total, band, missing = [], items, spo2_scale: scale } = risk.value;
    setText(this.total, String(total));
    setText(this.bound, missing.length > 0 ? '≥' : '');
    setText(this.band, `${BAND_NAME[band]} clinical risk`);
    setText(this.response, BAND_RESPONSE[band]);
    setText(this.scoredAt, `SpO₂ scale ${scale === 'scale2' ? '2' : '1'} · ${clockTime(risk.at)}`);
    this.missing.hidden = missing.length === 0;
    setText(this.missing, `Not measured: ${missing.map(parameterName).join(', ')}. The total is a lower bound.`);
    this.table.render(items);
    this.timeline.render(state.scores, Date.parse(risk.at));
  }

  private renderNothing(): void {
    setText(this.total, '–');
    setText(this.bound, '');
    setText(this.band, 'Not scored yet');
    setText(this.response, 'Waits for the first vital signs');
    setText(this.scoredAt, '');
    this.missing.hidden = true;
    this.timeline.render([], 0);
  }
}
