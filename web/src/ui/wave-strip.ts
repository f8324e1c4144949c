/**
 * One waveform channel as a monitor shows it: a pen that sweeps from left to right over what it drew a screen ago, 25 mm
 * a second, ECG at 10 mm a millivolt (a millimetre is 96/25.4 pixels, as CSS defines it). What was lost stays blank.
 */
import { channelName, millivolts, unitName, type WaveBlock } from '../net/wave-blocks';
import { Trace } from '../state/trace';
import { colour } from './colours';
import { h, setAttribute, setText } from './dom';

const PX_PER_MM = 96 / 25.4;
export const PX_PER_S = 25 * PX_PER_MM;
const PX_PER_MV = 10 * PX_PER_MM;
/** Blank space ahead of the pen. */
const ERASE_PX = 14;
/** What a trace keeps: the widest screen at this speed. */
const KEPT_S = 45;
/** Nothing came for this long: there is no signal. */
const SILENT_MS = 2_000;
/** As soon as there is twice as much to go by, up to this, the scale is found anew. Seconds. */
const SETTLED_S = 4;
/** What a person is told of, in words. */
const DESCRIBED_S = 5;
const MARGIN_PX = 6;

interface Scale {
  /** The value in the middle of the strip. */
  readonly middle: number;
  /** Pixels a unit. */
  readonly gain: number;
  /** Seconds of the trace that it goes by. */
  readonly span: number;
}

export class WaveStrip {
  readonly element: HTMLElement;
  private readonly canvas = h('canvas', { class: 'wave', role: 'img' });
  private readonly state = h('span', { class: 'wave-state' });
  private trace: Trace;
  private begun: number;
  private scale: Scale | undefined;
  /** Where the pen was last; `undefined`: draw everything again. */
  private drawn: number | undefined;
  private heardAt: number;

  constructor(
    private readonly first: WaveBlock,
    now: number,
  ) {
    this.trace = new Trace(first, KEPT_S);
    this.begun = first.start;
    this.heardAt = now;
    const unit = unitName(first.unit);
    const scale = millivolts(first.unit) === undefined ? '25 mm/s' : '25 mm/s · 10 mm/mV';
    this.element = h(
      'div',
      { class: 'wave-strip', 'data-testid': 'wave-strip', 'data-channel': first.channel },
      h('div', { class: 'wave-head' }, h('strong', {}, channelName(first.channel)), h('span', { class: 'unit' }, unit), h('span', { class: 'fine' }, scale), this.state),
      this.canvas,
    );
    new ResizeObserver(() => { this.drawn = undefined; }).observe(this.canvas);
  }

  /** Seconds by the source's clock. */
  get newest(): number {
    return this.trace.newest;
  }

  push(block: WaveBlock, now: number): void {
    this.heardAt = now;
    if (this.trace.takes(block)) {
      this.trace.push(block);
      return;
    }
    this.trace = new Trace(block, KEPT_S);
    this.begun = block.start;
    this.scale = undefined;
    this.redraw();
  }

  redraw(): void {
    this.drawn = undefined;
  }

  /** Draws up to the pen, by the source's clock. */
  draw(pen: number): void {
    const { canvas } = this;
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0 || height === 0) return;
    const ctx = canvas.getContext('2d');
    if (ctx === null) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      this.drawn = undefined;
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const screen = width / PX_PER_S;
    if (this.unsettled(pen)) this.rescale(pen - screen, pen, height);
    const whole = this.drawn === undefined || pen < this.drawn || pen - this.drawn > screen / 2;
    const from = whole ? pen - screen + ERASE_PX / PX_PER_S : (this.drawn ?? pen);
    if (whole) ctx.clearRect(0, 0, width, height);
    const wraps = Math.floor(pen / screen) !== Math.floor(from / screen);
    if (wraps && !whole) this.rescale(pen - screen, pen, height);
    erase(ctx, from % screen, pen - from + ERASE_PX / PX_PER_S, screen, height);
    if (this.scale !== undefined) this.stroke(ctx, from, pen, screen, height, this.scale);
    this.drawn = pen;
  }

  /** Once a second. */
  tick(now: number): void {
    const silent = now - this.heardAt > SILENT_MS;
    const lost = this.trace.lostBlocks;
    const losses = lost === 0 ? '' : ` · ${lost} ${lost === 1 ? 'block' : 'blocks'} lost`;
    setText(this.state, silent ? `No signal${losses}` : losses.slice(3));
    setAttribute(this.element, 'data-silent', silent);
    const { newest } = this.trace;
    const range = this.trace.range(newest - DESCRIBED_S, newest);
    const unit = unitName(this.first.unit);
    const values = range === undefined ? 'no values' : `${range.low.toFixed(2)} to ${range.high.toFixed(2)} ${unit} in the last ${DESCRIBED_S} seconds`;
    setAttribute(this.canvas, 'aria-label', `${channelName(this.first.channel)}, ${silent ? 'no signal' : values}`);
  }

  /** Whether the scale goes by much less than what has been drawn meanwhile: then everything is drawn again. */
  private unsettled(pen: number): boolean {
    const span = pen - this.begun;
    const settled = this.scale?.span ?? 0;
    if (span <= 0 || settled >= SETTLED_S || span < 2 * settled) return false;
    this.drawn = undefined;
    return true;
  }

  private rescale(from: number, to: number, height: number): void {
    const range = this.trace.range(from, to);
    if (range === undefined) return;
    const span = to - this.begun;
    const mv = millivolts(this.first.unit);
    if (mv !== undefined) {
      this.scale = { middle: range.mean, gain: mv * PX_PER_MV, span };
      return;
    }
    const room = range.high - range.low;
    this.scale = { middle: (range.high + range.low) / 2, gain: room > 0 ? (height - 2 * MARGIN_PX) / room : 1, span };
  }

  private stroke(ctx: CanvasRenderingContext2D, from: number, to: number, screen: number, height: number, { middle, gain }: Scale): void {
    const { trace } = this;
    ctx.strokeStyle = colour(millivolts(this.first.unit) === undefined ? '--vital-spo2' : '--vital-hr');
    ctx.lineWidth = 1.5;
    ctx.lineJoin = 'round';
    ctx.beginPath();
    let joined = false;
    let before = Infinity;
    // From one sample earlier: the line goes on where it ended.
    for (let i = trace.indexAt(from) - 1; trace.timeOf(i) <= to; i++) {
      const value = trace.at(i);
      const x = (((trace.timeOf(i) % screen) + screen) % screen) * PX_PER_S;
      if (Number.isNaN(value)) {
        joined = false;
        continue;
      }
      const y = Math.min(height - 1, Math.max(1, height / 2 - (value - middle) * gain));
      if (joined && x >= before) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
      joined = true;
      before = x;
    }
    ctx.stroke();
  }
}

/** Clears `length` seconds from `start` on, around the right edge. */
function erase(ctx: CanvasRenderingContext2D, start: number, length: number, screen: number, height: number): void {
  const width = screen * PX_PER_S;
  const x = start * PX_PER_S;
  const wide = Math.min(width, length * PX_PER_S);
  ctx.clearRect(x, 0, wide, height);
  if (x + wide > width) ctx.clearRect(0, 0, x + wide - width, height);
}
