/** Vital signs as a bedside monitor shows them: newest value, its age, its NEWS2 points, and its recent course. */
import type { RiskScored } from '@events';
import { serverNow } from '../net/api';
import type { SessionState, VitalName } from '../state/model';
import { bands } from '../state/news2-chart';
import { decimate, series } from '../state/series';
import type { Store } from '../state/store';
import { StripChart } from './chart';
import { h, setAttribute, setText } from './dom';
import { age, clockTime, PROTOCOL_NAME } from './format';
import type { Sources } from './sources';
import { TrendCursor } from './trend-cursor';
import { TrendTable } from './trend-table';
import { FIELDS, readingText, VITALS, type VitalSpec } from './vital-specs';

const WINDOWS = [
  { label: '5 min', ms: 5 * 60_000 },
  { label: '30 min', ms: 30 * 60_000 },
  { label: 'All', ms: Number.POSITIVE_INFINITY },
] as const;

/** A chart with less than this on its time axis would stretch seconds into a course. */
const MIN_WINDOW_MS = 2 * 60_000;
/** Older than this and a value no longer describes the patient. */
const STALE_MS = 5 * 60_000;

interface Strip {
  readonly spec: VitalSpec;
  readonly element: HTMLElement;
  readonly value: HTMLElement;
  readonly age: HTMLElement;
  readonly points: HTMLElement;
  readonly plot: HTMLElement;
  readonly chart: StripChart;
  hovered: boolean;
}

export class Vitals {
  readonly element: HTMLElement;
  private readonly strips: readonly Strip[];
  private readonly facts = h('p', { class: 'facts' });
  private state: SessionState;
  private windowMs: number = WINDOWS[0].ms;
  private readonly table = new TrendTable();
  private readonly cursor: TrendCursor;
  private readonly charts: HTMLElement;
  /** The form of the chart whose bands are drawn. */
  private bandsOf = '';

  constructor(store: Store, sources: Sources) {
    this.state = store.state;
    this.strips = VITALS.map((spec, i) => this.strip(spec, i === VITALS.length - 1));
    this.cursor = new TrendCursor((time) => this.momentText(time), (time) => { for (const strip of this.strips) strip.chart.point(time); });
    this.charts = h('div', { class: 'strips' }, this.cursor.element, ...this.strips.map((s) => s.element));
    this.element = h(
      'section',
      { class: 'panel vitals', 'aria-labelledby': 'vitals-title' },
      h('header', { class: 'panel-head' }, h('h2', { id: 'vitals-title' }, 'Vital signs'), this.tableButton(), this.windowPicker()),
      this.charts,
      this.table.element,
      this.facts,
    );
    sources.onPoint((target) => {
      const time = target?.place === 'vitals' || target?.place === 'risk' ? target.time : undefined;
      for (const strip of this.strips) strip.chart.mark(time);
      this.element.classList.toggle('marked', target?.place === 'vitals');
    });
    store.subscribe((state, previous) => {
      this.render(state, previous);
    });
  }

  /** Once a second: ages grow and the charts' right edge is now. */
  tick(): void {
    this.renderAges();
    this.moveWindow();
  }

  recolour(): void {
    for (const strip of this.strips) strip.chart.recolour();
  }

  private strip(spec: VitalSpec, last: boolean): Strip {
    const value = h('output', { class: 'value', 'data-testid': `vital-${spec.id}` }, '–');
    const ageText = h('span', { class: 'age' });
    const points = h('span', { class: 'points', hidden: true });
    const plot = h('div', { class: 'plot', role: 'img' });
    const element = h(
      'div',
      { class: 'strip', 'data-vital': spec.id },
      h(
        'div',
        { class: 'now' },
        h('span', { class: 'label' }, spec.label, points),
        h('span', { class: 'reading' }, value, h('span', { class: 'unit' }, spec.unit)),
        ageText,
      ),
      plot,
    );
    const strip: Strip = {
      spec,
      element,
      value,
      age: ageText,
      points,
      plot,
      hovered: false,
      chart: new StripChart(plot, {
        colour: `--vital-${spec.id}`,
        lines: spec.fields.length,
        minSpan: spec.minSpan,
        axis: last,
        onHover: (values) => {
          this.hover(strip, values);
        },
      }),
    };
    return strip;
  }

  private tableButton(): HTMLElement {
    const button = h('button', { type: 'button', class: 'button small', 'aria-pressed': 'false', 'data-testid': 'trend-table-button' }, 'Table');
    button.addEventListener('click', () => {
      const table = this.table.element.hidden;
      this.table.element.hidden = !table;
      this.charts.hidden = table;
      setAttribute(button, 'aria-pressed', String(table));
      this.renderCharts();
    });
    return button;
  }

  private windowPicker(): HTMLElement {
    const picker = h('fieldset', { class: 'segmented small' }, h('legend', { class: 'sr' }, 'Time shown'));
    WINDOWS.forEach(({ label, ms }, i) => {
      const change = (): void => {
        this.windowMs = ms;
        this.renderCharts();
      };
      const input = h('input', { type: 'radio', name: 'window', checked: i === 0, on: { change } });
      picker.append(h('label', {}, input, h('span', {}, label)));
    });
    return picker;
  }

  private render(state: SessionState, previous: SessionState): void {
    this.state = state;
    if (state.newest !== previous.newest) this.renderValues();
    if (state.risk !== previous.risk) this.renderPoints(state.risk?.value);
    if (state.started !== previous.started || state.newest !== previous.newest) this.renderBands();
    if (state.samples !== previous.samples || state.started !== previous.started) this.renderCharts();
  }

  private renderValues(): void {
    for (const strip of this.strips) if (!strip.hovered) setText(strip.value, this.newestText(strip.spec));
    this.renderAges();
    this.renderFacts();
  }

  private newestText(spec: VitalSpec): string {
    const values = spec.fields.map((field) => this.state.newest[field]?.value);
    return readingText(values.map((v) => (typeof v === 'number' ? v : null)), spec.decimals);
  }

  private renderAges(): void {
    const live = this.state.ended === undefined;
    for (const { spec, age: element, element: strip } of this.strips) {
      const newest = this.newest(spec);
      const ms = newest === undefined ? undefined : serverNow() - newest;
      setText(element, newest === undefined ? 'not measured' : live ? age(ms ?? 0) : clockTime(newest));
      setAttribute(strip, 'data-stale', live && ms !== undefined && ms > STALE_MS);
      setAttribute(strip, 'data-missing', newest === undefined);
    }
  }

  private newest(spec: VitalSpec): number | undefined {
    const times = spec.fields.map((field) => this.state.newest[field]?.time ?? 0);
    const newest = Math.max(...times);
    return newest === 0 ? undefined : newest;
  }

  private renderFacts(): void {
    const { newest, monitor } = this.state;
    const facts: (readonly [string, string])[] = [];
    const fact = (name: VitalName): string | undefined => {
      const value = newest[name]?.value;
      return value === undefined ? undefined : String(value);
    };
    const consciousness = fact('consciousness');
    if (consciousness !== undefined) facts.push(['Consciousness', consciousness]);
    const oxygen = fact('supplemental_oxygen');
    if (oxygen !== undefined) facts.push(['Breathing', oxygen === 'true' ? 'supplemental oxygen' : 'air']);
    if (monitor !== undefined) facts.push(['Monitor', `${monitor.application} (${PROTOCOL_NAME[monitor.protocol]})`]);
    const nodes = facts.map(([term, value]) => h('span', {}, h('b', {}, term), ` ${value}`));
    this.facts.replaceChildren(...nodes);
  }

  private renderPoints(risk: RiskScored | undefined): void {
    for (const { spec, points } of this.strips) {
      const item = risk?.items.find((i) => (spec.fields as readonly string[]).includes(i.parameter));
      points.hidden = item === undefined || item.points === 0;
      if (item === undefined) continue;
      setText(points, `+${item.points}`);
      setAttribute(points, 'data-points', item.points);
      setAttribute(points, 'title', `NEWS2: ${item.points} for ${item.range}`);
    }
  }

  /** What the chart of NEWS2 gives points for, behind the lines. */
  private renderBands(): void {
    const scale = this.state.started?.value.spo2Scale ?? 'scale1';
    const oxygen = this.state.newest.supplemental_oxygen?.value === true;
    const chart = `${scale} ${oxygen}`;
    if (chart === this.bandsOf) return;
    this.bandsOf = chart;
    for (const strip of this.strips) strip.chart.setBands(bands(strip.spec.fields[0], scale, oxygen));
  }

  private renderCharts(): void {
    const [from] = this.window();
    const measured = [...this.state.samples].filter((s) => s.time >= from && FIELDS.some((field) => s.vitals[field] !== undefined));
    this.cursor.set(measured.map((s) => s.time).sort((a, b) => a - b));
    if (!this.table.element.hidden) {
      this.table.render(this.state, from);
      return;
    }
    for (const { spec, chart, plot } of this.strips) {
      const data = series(this.state.samples, spec.fields, from - MIN_WINDOW_MS);
      chart.setData(decimate(data, chart.columns));
      setAttribute(plot, 'aria-label', describe(spec, data));
    }
    this.moveWindow();
  }

  private moveWindow(): void {
    const [from, to] = this.window();
    for (const { chart } of this.strips) chart.setWindow(from, to);
  }

  private window(): [number, number] {
    const newest = Math.max(this.state.samples.at(-1)?.time ?? 0, Date.parse(this.state.newestAt ?? '') || 0);
    const to = this.state.ended === undefined ? Math.max(serverNow(), newest) : newest;
    const first = this.state.samples.at(0)?.time ?? to;
    return [Math.min(Math.max(first, to - this.windowMs), to - MIN_WINDOW_MS), to];
  }

  private momentText(time: number): string {
    const sample = this.state.samples.findLast((s) => s.time === time);
    const readings = VITALS.flatMap(({ label, unit, fields, decimals }) => {
      const values = fields.map((field) => sample?.vitals[field]);
      return values.every((v) => v === undefined) ? [] : [`${label} ${readingText(values, decimals)} ${unit}`];
    });
    return `${clockTime(time)}: ${readings.join(', ')}`;
  }

  /** While the pointer is over a chart the value is the one under it, and says so. */
  private hover(strip: Strip, values: readonly (number | null)[] | undefined): void {
    strip.hovered = values?.some((v) => v !== null) ?? false;
    setAttribute(strip.element, 'data-hovered', strip.hovered);
    const text = strip.hovered && values !== undefined ? readingText(values, strip.spec.decimals) : this.newestText(strip.spec);
    setText(strip.value, text);
  }
}

function describe(spec: VitalSpec, data: ReturnType<typeof series>): string {
  const values = (data[1] ?? []).filter((v) => v !== null);
  const last = values.at(-1);
  if (last === undefined) return `${spec.label}: no values`;
  const range = `${Math.min(...values).toFixed(spec.decimals)} to ${Math.max(...values).toFixed(spec.decimals)}`;
  return `${spec.label} over time, ${spec.unit}: ${range}, last ${last.toFixed(spec.decimals)}`;
}
