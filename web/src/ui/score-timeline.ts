/** NEWS2 over the session as steps, each of which explains itself to the pointer and to the keyboard. */
import type { RiskBand, RiskItem } from '@events';
import type { At, ScorePoint } from '../state/model';
import { h, replace, setAttribute, svg } from './dom';
import { BAND_NAME, clockTime, parameterName } from './format';
import { stepPath } from './sparkline';

const WIDTH = 320;
const HEIGHT = 64;
/** NEWS2 thresholds for an urgent and an emergency response. */
const THRESHOLDS = [5, 7];
/** More steps than this are not told apart on a line this long. */
const MAX_POINTS = 240;

type Score = At<ScorePoint>;

export class ScoreTimeline {
  readonly element: HTMLElement;
  private readonly picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'timeline', 'aria-hidden': 'true' });
  private readonly line = svg('path', { class: 'trend' });
  private readonly marker = svg('line', { class: 'timeline-marker', y1: 0, y2: HEIGHT, visibility: 'hidden' });
  private readonly card = h('div', { class: 'score-card', hidden: true, 'data-testid': 'score-card' });
  private points: readonly Score[] = [];
  private until = 0;
  private at: number | undefined;

  constructor() {
    const slider = h('div', { class: 'timeline-box', role: 'slider', tabindex: '0', 'aria-label': 'NEWS2 over time', 'aria-orientation': 'horizontal', 'data-testid': 'score-timeline' });
    slider.append(this.picture);
    this.picture.append(this.line, this.marker);
    this.element = h('div', { class: 'score-timeline', hidden: true }, slider, this.card);
    slider.addEventListener('pointermove', (event) => { this.show(this.near(event.offsetX / slider.clientWidth)); });
    slider.addEventListener('pointerleave', () => { this.show(undefined); });
    slider.addEventListener('focus', () => { this.show(this.points.length - 1); });
    slider.addEventListener('blur', () => { this.show(undefined); });
    slider.addEventListener('keydown', (event) => { this.key(event); });
    this.slider = slider;
  }

  private readonly slider: HTMLElement;

  /** Shows the scores up to a moment: a score holds until the next. */
  render(scores: Iterable<Score>, until: number): void {
    this.points = changes([...scores]).slice(-MAX_POINTS);
    this.until = until;
    const first = this.points[0];
    this.element.hidden = first === undefined;
    if (first === undefined) return;
    const top = Math.max(10, ...this.points.map((p) => p.value.total));
    const steps = this.points.map((p) => ({ time: Date.parse(p.at), value: p.value.total }));
    const last = steps.at(-1);
    const held = last === undefined ? steps : [...steps, { time: Math.max(until, last.time + 1), value: last.value }];
    this.line.setAttribute('d', stepPath(held, top, WIDTH, HEIGHT));
    for (const old of this.picture.querySelectorAll('.threshold')) old.remove();
    for (const threshold of THRESHOLDS) {
      const y = HEIGHT - (threshold / top) * HEIGHT;
      this.picture.prepend(svg('line', { x1: 0, x2: WIDTH, y1: y, y2: y, class: `threshold t${threshold}` }));
    }
    setAttribute(this.slider, 'aria-valuemin', 0);
    setAttribute(this.slider, 'aria-valuemax', this.points.length - 1);
    this.describe(this.at ?? this.points.length - 1);
    if (this.at !== undefined) this.show(Math.min(this.at, this.points.length - 1));
  }

  /** The score that held at a share of the width. */
  private near(share: number): number | undefined {
    const first = this.points[0];
    if (first === undefined) return undefined;
    const from = Date.parse(first.at);
    const time = from + share * (this.until - from);
    const at = this.points.findLastIndex((p) => Date.parse(p.at) <= time);
    return Math.max(0, at);
  }

  private show(at: number | undefined): void {
    this.at = at === undefined || this.points[at] === undefined ? undefined : at;
    const score = this.at === undefined ? undefined : this.points[this.at];
    this.card.hidden = score === undefined;
    this.marker.setAttribute('visibility', score === undefined ? 'hidden' : 'visible');
    if (score === undefined || at === undefined) return;
    const first = Date.parse(this.points[0]?.at ?? score.at);
    const x = ((Date.parse(score.at) - first) / (this.until - first || 1)) * WIDTH;
    setAttribute(this.marker, 'x1', x);
    setAttribute(this.marker, 'x2', x);
    setAttribute(this.card, 'data-side', x > WIDTH / 2 ? 'left' : 'right');
    replace(this.card, ...explained(score));
    this.describe(at);
  }

  private describe(at: number): void {
    const score = this.points[at];
    if (score === undefined) return;
    setAttribute(this.slider, 'aria-valuenow', at);
    setAttribute(this.slider, 'aria-valuetext', inWords(score));
  }

  private key(event: KeyboardEvent): void {
    const last = this.points.length - 1;
    const at = this.at ?? last;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.show(Math.min(last, Math.max(0, to)));
  }
}

/** Scores that say something else than the one before: another total, or the same from other items. */
export function changes(scores: readonly Score[]): Score[] {
  return scores.filter((score, i) => {
    const before = scores[i - 1];
    return before?.value.total !== score.value.total || pointsOf(before.value.items) !== pointsOf(score.value.items);
  });
}

function pointsOf(items: readonly RiskItem[]): string {
  return items.map((item) => `${item.parameter}:${item.points}`).join();
}

function byPoints(items: readonly RiskItem[]): RiskItem[] {
  return [...items].sort((a, b) => b.points - a.points);
}

function title({ at, value }: Score): string {
  const bound = value.missing.length > 0 ? 'at least ' : '';
  return `NEWS2 ${bound}${value.total}, ${bandName(value.band)}, ${clockTime(at)}`;
}

function bandName(band: RiskBand): string {
  return `${BAND_NAME[band].toLowerCase()} risk`;
}

/** What a screen reader says of a score: what scored, and what is missing. */
export function inWords(score: Score): string {
  const scoring = byPoints(score.value.items).filter((item) => item.points > 0);
  const items = scoring.map((item) => `${parameterName(item.parameter)} ${item.value} gives ${item.points}`);
  const missing = score.value.missing.map(parameterName);
  return [title(score), items.length > 0 ? items.join(', ') : 'nothing scores', missing.length > 0 && `not measured: ${missing.join(', ')}`].filter((part) => part !== false).join('. ');
}

function explained(score: Score): HTMLElement[] {
  const rows = byPoints(score.value.items).map((item) =>
    h('li', { 'data-points': item.points }, h('span', {}, parameterName(item.parameter)), h('span', { class: 'card-value' }, item.value), h('span', { class: 'points', 'data-points': item.points }, String(item.points))),
  );
  const missing = score.value.missing.map(parameterName);
  return [
    h('strong', {}, title(score)),
    h('ul', {}, ...rows),
    ...(missing.length > 0 ? [h('p', { class: 'fine' }, `Not measured: ${missing.join(', ')}`)] : []),
  ];
}
