/** What the learned model expects, what made it expect that, and what it was not told. */
import type { Contribution, RiskPredicted } from '@events';
import type { At, SessionState } from '../state/model';
import { staleness, type Stale } from '../state/prediction';
import type { Store } from '../state/store';
import { h, replace, setAttribute, setText } from './dom';
import { age, chance, clockMinutes, clockTime, parameterName } from './format';
import type { Sources } from './sources';
import { FIELDS } from './vital-specs';

/** Effects in sight; the others are behind a fold. */
const SHOWN = 4;

/** Not read out by itself: it comes with every observation and raises no alarm. */
export class LearnedRisk {
  readonly element: HTMLElement;
  private readonly made = h('span', { class: 'fine' });
  private readonly stale = h('p', { class: 'learned-stale', hidden: true, 'data-testid': 'learned-stale' });
  private readonly figure = h('strong', { class: 'learned-figure', 'data-testid': 'learned-chance' });
  private readonly what = h('span', { class: 'learned-what' });
  private readonly effects = h('ul', { class: 'effects', 'aria-label': 'What moved it most' });
  private readonly rest = fold('learned-rest');
  private readonly missing = fold('learned-missing');
  private readonly model = h('p', { class: 'fine', 'data-testid': 'learned-model' });
  private state: SessionState;

  constructor(store: Store, sources: Sources, private readonly now: () => number) {
    this.state = store.state;
    const info = sources.provenanceButton('learned risk', () => this.state.prediction?.value.provenance);
    this.element = h(
      'section',
      { class: 'panel learned', 'aria-labelledby': 'learned-title', hidden: true, 'data-testid': 'learned-risk' },
      h('header', { class: 'panel-head' }, h('h2', { id: 'learned-title' }, 'Learned risk'), this.made, info),
      this.stale,
      h('p', { class: 'learned-line' }, this.figure, this.what),
      this.effects,
      this.rest.element,
      this.missing.element,
      this.model,
      h('p', { class: 'learned-caution' }, 'Decision support, never a diagnosis: a low figure rules nothing out.'),
    );
    store.subscribe((state, previous) => {
      this.state = state;
      if (state.prediction !== previous.prediction) this.render();
      else if (state.newest !== previous.newest || state.ended !== previous.ended) this.renderAge();
    });
  }

  /** Once a second: it grows old. */
  tick(): void {
    this.renderAge();
  }

  private render(): void {
    const { prediction } = this.state;
    this.element.hidden = prediction === undefined;
    if (prediction === undefined) return;
    const { probability, contributions, missing = [], provenance, record_hours: hours } = prediction.value;
    setText(this.figure, chance(probability));
    setText(this.what, horizonText(prediction));
    const shown = contributions.slice(0, SHOWN);
    replace(this.effects, ...(shown.length > 0 ? shown.map(effectRow) : [h('li', {}, 'Nothing that was measured moved it.')]));
    const others = contributions.slice(SHOWN);
    this.rest.set(others.length === 0 ? '' : `${others.length} smaller ${others.length === 1 ? 'effect' : 'effects'}`, h('ul', { class: 'effects' }, ...others.map(effectRow)));
    this.missing.set(missingSummary(missing), h('p', {}, missing.map(parameterName).join(', ')));
    const record = hours <= 1 ? 'first hour of the record, of which the model knows little' : `from ${hours} h of record`;
    setText(this.model, `${provenance.name} ${provenance.version} · ${record}`);
    this.renderAge();
  }

  private renderAge(): void {
    const { prediction, ended } = this.state;
    if (prediction === undefined) return;
    const now = this.now();
    const stale = staleness(this.state, now);
    setText(this.made, ended === undefined ? age(now - Date.parse(prediction.at)) : clockTime(prediction.at));
    setAttribute(this.element, 'data-stale', stale !== undefined);
    this.stale.hidden = stale === undefined;
    setText(this.stale, stale === undefined ? '' : staleText(stale));
  }
}

interface Fold {
  readonly element: HTMLDetailsElement;
  /** Nothing to say hides it. */
  set(summary: string, content: HTMLElement): void;
}

/** Stays open while what is in it changes. */
function fold(testid: string): Fold {
  const title = h('summary');
  const body = h('div');
  const element = h('details', { class: 'learned-fold', hidden: true, 'data-testid': testid }, title, body);
  return {
    element,
    set: (summary, content) => {
      element.hidden = summary === '';
      setText(title, summary);
      replace(body, content);
    },
  };
}

function effectRow(contribution: Contribution): HTMLElement {
  const { text, direction } = effectText(contribution);
  const arrow = { up: '▲', down: '▼', none: '–' }[direction];
  return h('li', { 'data-direction': direction }, h('span', { class: 'effect-arrow', 'aria-hidden': 'true' }, arrow), h('span', {}, text));
}

/** `Respiration 28 /min: raises it, odds × 1.60`, beside the same record had it never been measured. */
export function effectText({ parameter, value, hours_ago: hours, effect }: Contribution): { text: string; direction: 'up' | 'down' | 'none' } {
  const factor = Math.exp(effect).toFixed(2);
  const direction = factor === '1.00' ? 'none' : effect > 0 ? 'up' : 'down';
  const does = { up: `raises it, odds × ${factor}`, down: `lowers it, odds × ${factor}`, none: 'hardly moves it' }[direction];
  const when = hours === 0 ? '' : `, ${hours} h ago`;
  return { text: `${parameterName(parameter)} ${value}${when}: ${does}`, direction };
}

/** `chance that sepsis begins within 6 h, by 20:40`. */
export function horizonText({ at, value: { outcome, within_hours: hours } }: At<RiskPredicted>): string {
  return `chance that ${outcome.replaceAll('_', ' ')} begins within ${hours} h, by ${clockMinutes(Date.parse(at) + hours * 3_600_000)}`;
}

const VITAL_INPUTS: ReadonlySet<string> = new Set<string>([...FIELDS, 'mean_bp']);

/** Vital signs by name, since somebody can measure them now; laboratory values by number. */
export function missingSummary(missing: readonly string[]): string {
  const vital = missing.filter((parameter) => VITAL_INPUTS.has(parameter)).map(parameterName);
  const others = missing.length - vital.length;
  const rest = others === 0 ? [] : [`${others} laboratory ${others === 1 ? 'value' : 'values'}`];
  return missing.length === 0 ? '' : `Never measured: ${[...vital, ...rest].join(', ')}`;
}

export function staleText(stale: Stale): string {
  if (stale.why === 'over') return 'Out of date: the hours that it spoke of have passed.';
  return `Out of date: what was measured at ${clockMinutes(stale.newest)} is not in it.`;
}
