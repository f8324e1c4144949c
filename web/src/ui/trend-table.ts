/** The trend as a table. */
import type { SessionState } from '../state/model';
import { trendTable } from '../state/trend-table';
import { h, replace } from './dom';
import { clockMinutes, clockTime } from './format';
import { FIELDS, readingText, VITALS } from './vital-specs';

export class TrendTable {
  readonly element = h('div', { class: 'trend-table', tabindex: '0', hidden: true, 'data-testid': 'trend-table' });

  render(state: SessionState, fromMs: number): void {
    const { rows, step } = trendTable(state.samples, FIELDS, fromMs);
    const caption = rows.length === 0 ? 'No measurements' : `${rows.length} rows, newest first, ${stepText(step)}`;
    const titles = VITALS.map((spec) => h('th', { scope: 'col' }, h('abbr', { title: spec.label }, spec.short), h('span', { class: 'unit' }, spec.unit)));
    const head = h('tr', {}, h('th', { scope: 'col' }, 'Time'), ...titles);
    const body = rows.map(({ time, values }) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, h('time', { datetime: new Date(time).toISOString() }, step >= 60_000 ? clockMinutes(time) : clockTime(time))),
        ...VITALS.map((spec) => h('td', {}, readingText(spec.fields.map((field) => values[field]), spec.decimals))),
      ),
    );
    replace(this.element, h('table', {}, h('caption', { class: 'fine' }, caption), h('thead', {}, head), h('tbody', {}, ...body)));
  }
}

function stepText(step: number): string {
  if (step === 0) return 'one for each measurement';
  return step < 60_000 ? `one for ${step / 1_000} seconds` : step < 3_600_000 ? `one for ${step / 60_000} min` : 'one an hour';
}
