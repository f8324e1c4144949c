/** Moves through the measurements of the trend with the keyboard, and says what was measured. */
import { h, setAttribute, setText } from './dom';

export interface Moment {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** In words. */
  readonly text: string;
}

/** Measurements that a page key goes over. */
const PAGE = 10;

export class TrendCursor {
  /** A slider, which screen readers leave the arrow keys to. */
  readonly element: HTMLElement;
  private readonly shown = h('span', {}, 'Trend: use the arrow keys');
  private times: readonly number[] = [];
  private at: number | undefined;

  constructor(
    private readonly describe: (time: number) => string,
    private readonly onMove: (time: number | undefined) => void,
  ) {
    this.element = h(
      'div',
      { class: 'trend-cursor', role: 'slider', tabindex: '0', 'aria-label': 'Moment of the trend', 'aria-orientation': 'horizontal', 'aria-valuemin': 0, 'aria-valuemax': 0, 'aria-valuenow': 0, 'aria-valuetext': 'No measurements', 'data-testid': 'trend-cursor' },
      this.shown,
    );
    this.element.addEventListener('keydown', (event) => { this.key(event); });
    this.element.addEventListener('focus', () => { this.go(this.times.length - 1); });
    this.element.addEventListener('blur', () => { this.leave(); });
  }

  /** The times there are measurements of, in order. The moment it is at stays. */
  set(times: readonly number[]): void {
    const time = this.at === undefined ? undefined : this.times[this.at];
    this.times = times;
    setAttribute(this.element, 'aria-valuemax', Math.max(0, times.length - 1));
    if (time === undefined) return;
    const same = times.findIndex((t) => t >= time);
    this.at = same < 0 ? times.length - 1 : same;
  }

  private go(index: number): void {
    const time = this.times[index];
    if (time === undefined) return;
    this.at = index;
    const text = this.describe(time);
    setAttribute(this.element, 'aria-valuenow', index);
    setAttribute(this.element, 'aria-valuetext', text);
    setText(this.shown, text);
    this.onMove(time);
  }

  private leave(): void {
    this.at = undefined;
    setText(this.shown, 'Trend: use the arrow keys');
    this.onMove(undefined);
  }

  private key(event: KeyboardEvent): void {
    const last = this.times.length - 1;
    const at = this.at ?? last;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageUp: at - PAGE, PageDown: at + PAGE, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(Math.min(last, Math.max(0, to)));
  }
}
