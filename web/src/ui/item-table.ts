/** The items of a score: what was charted, the row of the chart it fell into, and the points for it. */
import type { RiskItem } from '@events';
import { h, replace } from './dom';
import { parameterName } from './format';

export class ItemTable {
  readonly element: HTMLElement;
  private readonly body = h('tbody');

  /** A quotient gives no points. */
  constructor(private readonly points = true) {
    const titles = ['Parameter', 'Value', 'Chart range', ...(points ? ['Points'] : [])];
    this.element = h('table', { class: 'items' }, h('thead', {}, h('tr', {}, ...titles.map((t) => h('th', { scope: 'col' }, t)))), this.body);
  }

  render(items: readonly RiskItem[]): void {
    replace(this.body, ...items.map((item) => this.row(item)));
  }

  private row(item: RiskItem): HTMLElement {
    return h(
      'tr',
      { 'data-parameter': item.parameter },
      h('th', { scope: 'row' }, parameterName(item.parameter)),
      h('td', {}, item.value),
      h('td', { class: 'range' }, item.range),
      this.points && h('td', { class: 'points-cell' }, h('span', { class: 'points', 'data-points': item.points }, String(item.points))),
    );
  }
}
