/** Sequence numbers as chips: hover shows what they stand for, a click goes there. */
import type { Provenance, Seq } from '@events';
import { locate, type Located } from '../state/locate';
import type { Store } from '../state/store';
import { h, icon } from './dom';
import { shortHash } from './format';
import type { Popover, Tooltip } from './popover';
import { wordsFor, type Words } from './words';

type Listener = (target: Located | undefined, move: boolean) => void;

/** More than this many chips under a sentence say no more than their number. */
const MAX_CHIPS = 8;

export class Sources {
  private readonly listeners: Listener[] = [];

  constructor(
    private readonly store: Store,
    private readonly popover: Popover,
    private readonly tooltip: Tooltip,
    private readonly words: Words = wordsFor('en'),
  ) {}

  /** `move` says that the person asked to be taken there, not only to see it marked. */
  onPoint(listener: Listener): void {
    this.listeners.push(listener);
  }

  chips(seqs: readonly Seq[], max = MAX_CHIPS): HTMLElement {
    const list = h('span', { class: 'chips' });
    const shown = seqs.length > max ? seqs.slice(0, max - 1) : seqs;
    for (const seq of shown) list.append(this.chip(seq));
    if (shown.length < seqs.length) list.append(this.more(list, seqs.slice(shown.length)));
    return list;
  }

  /** The information button of a model's output. */
  provenanceButton(what: string, provenance: () => Provenance | undefined): HTMLButtonElement {
    const button = h(
      'button',
      { type: 'button', class: 'icon-button info', 'aria-label': this.words.provenance.of(what), 'aria-expanded': 'false' },
      icon('info'),
    );
    button.addEventListener('click', () => {
      const from = provenance();
      if (from !== undefined) this.popover.open(button, this.words.provenance.of(what), this.provenance(what, from));
    });
    return button;
  }

  private provenance(what: string, from: Provenance): HTMLElement {
    const { provenance: words, notDiagnosis } = this.words;
    const row = (term: string, value: Node | string): Node[] => [h('dt', {}, term), h('dd', {}, value)];
    const hash = h('code', { title: from.weights_sha256 }, shortHash(from.weights_sha256));
    return h(
      'div',
      { class: 'provenance' },
      h('h3', {}, words.how(what)),
      h(
        'dl',
        {},
        ...row(words.model, from.name),
        ...row(words.version, from.version),
        ...row(words.weights, hash),
        ...row(words.inputs(from.inputs.length), this.inputs(from.inputs)),
      ),
      h('p', { class: 'fine' }, `${words.machine} ${notDiagnosis}`),
    );
  }

  private inputs(seqs: readonly Seq[]): Node | string {
    return seqs.length === 0 ? this.words.provenance.audio : this.chips(seqs, 24);
  }

  private chip(seq: Seq): HTMLButtonElement {
    const summary = (): string => locate(this.store.state, seq)?.summary ?? `Event ${seq}`;
    const show = (): void => {
      this.tooltip.show(chip, summary());
      this.point(locate(this.store.state, seq), false);
    };
    const hide = (): void => {
      this.tooltip.hide();
      this.point(undefined, false);
    };
    const go = (): void => {
      this.tooltip.hide();
      this.popover.close();
      this.point(locate(this.store.state, seq), true);
    };
    const on = { pointerenter: show, focus: show, pointerleave: hide, blur: hide, click: go };
    const chip = h('button', { type: 'button', class: 'chip', 'data-seq': seq, on }, `#${seq}`);
    chip.setAttribute('aria-label', `Source event ${seq}`);
    chip.setAttribute('aria-describedby', 'tooltip');
    return chip;
  }

  private more(list: HTMLElement, rest: readonly Seq[]): HTMLButtonElement {
    const button = h('button', { type: 'button', class: 'chip more' }, `+${rest.length}`);
    button.setAttribute('aria-label', `Show ${rest.length} more source events`);
    button.addEventListener('click', () => {
      button.remove();
      for (const seq of rest) list.append(this.chip(seq));
    });
    return button;
  }

  private point(target: Located | undefined, move: boolean): void {
    for (const listener of this.listeners) listener(target, move);
  }
}
