/** What models noted: symptoms, ranked conditions, matched cases. Shown only once there is something. */
import type { SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, replace } from './dom';
import { speakerName } from './format';
import type { Sources } from './sources';

export class Assessment {
  readonly element = h('div', { class: 'assessment' });

  constructor(
    store: Store,
    private readonly sources: Sources,
    private readonly onAny: (any: boolean) => void,
  ) {
    store.subscribe((state, previous) => {
      const same =
        state.symptoms === previous.symptoms && state.conditions === previous.conditions && state.cases === previous.cases;
      if (!same) this.render(state);
    });
  }

  private render({ symptoms, conditions, cases }: SessionState): void {
    const parts: HTMLElement[] = [];
    if (symptoms.length > 0) parts.push(this.section('Symptoms mentioned', symptoms.map((s) => this.symptom(s.value))));
    if (conditions !== undefined) {
      const { provenance } = conditions.value;
      const items = conditions.value.conditions.map((c) =>
        h('li', {}, h('span', {}, c.condition.display), h('b', {}, percent(c.probability)), this.sources.chips(c.because)),
      );
      parts.push(this.section('Conditions to consider', items, this.sources.provenanceButton('ranking', () => provenance)));
    }
    if (cases !== undefined) {
      const { provenance } = cases.value;
      const items = cases.value.cases.map((c) => h('li', {}, h('span', {}, c.title), h('b', {}, c.similarity.toFixed(2))));
      parts.push(this.section('Similar cases', items, this.sources.provenanceButton('match', () => provenance)));
    }
    replace(this.element, ...parts);
    this.onAny(parts.length > 0);
  }

  private symptom(value: SessionState['symptoms'][number]['value']): HTMLElement {
    const { symptom, negated, evidence, participant, of, provenance } = value;
    return h(
      'li',
      { 'data-negated': negated },
      h('span', { title: `“${evidence}”, ${speakerName(participant)}` }, negated ? `No ${symptom.display}` : symptom.display),
      this.sources.chips([of]),
      this.sources.provenanceButton('symptom', () => provenance),
    );
  }

  private section(title: string, items: readonly HTMLElement[], info?: HTMLElement): HTMLElement {
    return h('section', {}, h('h3', {}, title, ' ', info), h('ul', {}, ...items));
  }
}

function percent(probability: number): string {
  return `${Math.round(probability * 100)} %`;
}
