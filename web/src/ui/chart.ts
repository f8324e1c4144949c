/** A strip chart of one vital sign over uPlot. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Band } from '../state/news2-chart';
import type { SeriesData } from '../state/series';
import { colour } from './colours';
import { clockMinutes, clockTime } from './format';

export interface StripSpec {
  /** Custom property that holds the line's colour. */
  readonly colour: string;
  /** How many lines: blood pressure has two, with the space between them filled. */
  readonly lines: number;
  /** The axis never shows less than this many units: flat values must look flat. */
  readonly minSpan: number;
  readonly axis: boolean;
  /** Values under the pointer, or `undefined` when it leaves. */
  readonly onHover: (values: readonly (number | null)[] | undefined) => void;
}

const AXIS_PX = 22;
const VALUE_AXIS_PX = 34;
const RIGHT_PX = 6;
/** Width of a digit in `FONT`, roundly. */
const DIGIT_PX = 6;
const FONT = '10px "Inter Variable", system-ui, sans-serif';

export class StripChart {
  private readonly plot: uPlot;
  private bands: readonly Band[] = [];
  private marked: number | undefined;

  constructor(
    private readonly host: HTMLElement,
    private readonly spec: StripSpec,
  ) {
    this.plot = new uPlot(this.options(), [[], ...Array.from({ length: spec.lines }, () => [])], host);
    new ResizeObserver(() => {
      this.resize();
    }).observe(host);
  }

  get columns(): number {
    return Math.max(60, Math.round(this.host.clientWidth));
  }

  /** Values that score no points lie on a quiet band, those that score 2 or 3 on bands that warn. */
  setBands(bands: readonly Band[]): void {
    this.bands = bands;
    this.plot.redraw(false);
  }

  /** Puts the cursor at a moment, or takes it away. */
  point(timeMs: number | undefined): void {
    const left = timeMs === undefined ? -10 : this.plot.valToPos(timeMs / 1_000, 'x');
    this.plot.setCursor({ left, top: timeMs === undefined ? -10 : 0 });
  }

  setData(data: SeriesData): void {
    this.plot.setData(data, false);
  }

  setWindow(fromMs: number, toMs: number): void {
    this.plot.setScale('x', { min: fromMs / 1_000, max: toMs / 1_000 });
  }

  /** Marks a moment, or none. */
  mark(timeMs: number | undefined): void {
    if (timeMs === this.marked) return;
    this.marked = timeMs;
    this.plot.redraw(false);
  }

  /** Colours come from the theme: draw again when it changes. */
  recolour(): void {
    this.plot.redraw(false, true);
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width > 0 && height > 0) this.plot.setSize({ width, height });
  }

  private options(): uPlot.Options {
    const { colour: lineColour, lines, minSpan, axis } = this.spec;
    const line: uPlot.Series = {
      stroke: () => colour(lineColour),
      width: 1.75,
      points: { show: (u) => (u.data[0].length <= 40 ? true : false), size: 4, fill: () => colour(lineColour), width: 0 },
    };
    const grid = { stroke: () => colour('--grid'), width: 1 };
    const labels = { font: FONT, stroke: () => colour('--ink-3'), ticks: { show: false } };
    return {
      width: 300,
      height: 80,
      padding: [6, RIGHT_PX, axis ? 0 : 4, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, sync: { key: 'vitals' }, points: { size: 7 } },
      series: [{}, ...Array.from({ length: lines }, () => line)],
      ...(lines === 2 ? { bands: [{ series: [1, 2] as [number, number], fill: () => colour(`${lineColour}-fill`) }] } : {}),
      scales: { x: { time: true }, y: { range: (_, low, high) => yRange(low, high, minSpan) } },
      axes: [
        { ...labels, grid, show: true, size: axis ? AXIS_PX : 0, space: 64, values: (u, at) => (axis ? timeLabels(u, at) : at.map(() => '')) },
        { ...labels, grid, size: VALUE_AXIS_PX, space: 22, gap: 4 },
      ],
      hooks: {
        drawClear: [(u) => { this.drawBands(u); }],
        draw: [(u) => { this.drawMark(u); }],
        setCursor: [(u) => { this.hover(u); }],
      },
    };
  }

  private hover(u: uPlot): void {
    const at = u.cursor.idx;
    this.spec.onHover(at == null ? undefined : u.data.slice(1).map((column) => column[at] ?? null));
  }

  private drawBands(u: uPlot): void {
    if (u.scales.y?.min == null) return;
    const { left, top, width, height } = u.bbox;
    const y = (value: number): number => {
      if (!Number.isFinite(value)) return value > 0 ? top : top + height;
      return Math.min(top + height, Math.max(top, u.valToPos(value, 'y', true)));
    };
    u.ctx.save();
    for (const { from, to, points } of this.bands) {
      if (points === 1) continue;
      u.ctx.fillStyle = colour(points === 0 ? '--normal' : points === 2 ? '--caution-band' : '--danger-band');
      u.ctx.fillRect(left, y(to), width, y(from) - y(to));
    }
    u.ctx.restore();
  }

  private drawMark(u: uPlot): void {
    if (this.marked === undefined) return;
    const x = u.valToPos(this.marked / 1_000, 'x', true);
    const { left, top, width, height } = u.bbox;
    if (x < left || x > left + width) return;
    const wide = 2 * uPlot.pxRatio;
    u.ctx.save();
    u.ctx.fillStyle = colour('--mark-line');
    u.ctx.fillRect(x - wide / 2, top, wide, height);
    u.ctx.restore();
  }
}

/** Labels are centred on their line: one that would be cut off at the right edge is left out. */
function timeLabels(u: uPlot, all: readonly number[]): string[] {
  const step = (all[1] ?? 0) - (all[0] ?? 0);
  const width = u.bbox.width / uPlot.pxRatio + RIGHT_PX;
  return all.map((at) => {
    const label = step > 0 && step < 60 ? clockTime(at * 1_000) : clockMinutes(at * 1_000);
    return u.valToPos(at, 'x') + (label.length * DIGIT_PX) / 2 > width ? '' : label;
  });
}

/** Room above and below, and never a span so short that noise looks like a change. */
export function yRange(low: number | null, high: number | null, minSpan: number): [number, number] {
  if (low === null || high === null) return [0, minSpan];
  const missing = Math.max(0, minSpan - (high - low));
  const pad = Math.max(missing / 2, (high - low) * 0.12);
  return [low - pad, high + pad];
}
