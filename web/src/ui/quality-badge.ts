/** How good a connection is: bars, a word, and on asking the figures behind them. */
import type { LinkState } from '../call/link';
import { complaint, type Quality } from '../call/quality';
import { h, setAttribute, setText } from './dom';
import type { Popover } from './popover';
import type { Words } from './words';

export class QualityBadge {
  readonly element: HTMLButtonElement;
  private readonly word = h('span', { class: 'word' });
  private quality: Quality | undefined;

  constructor(
    private readonly name: string,
    private readonly words: Words,
    popover: Popover,
  ) {
    const open = (): void => {
      popover.open(this.element, this.words.qualityOf(this.name, this.word.textContent), this.details());
    };
    const bars = h('span', { class: 'quality-bars', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
    this.element = h('button', { type: 'button', class: 'quality', hidden: true, 'aria-expanded': 'false', 'data-testid': 'quality', on: { click: open } }, bars, this.word);
  }

  show(link: LinkState, quality: Quality | undefined): void {
    this.quality = quality;
    const lost = link.phase === 'unsteady' || link.phase === 'waiting' || (link.phase === 'connecting' && link.again);
    this.element.hidden = quality === undefined && !lost;
    const rating = lost ? 'lost' : quality?.rating;
    setAttribute(this.element, 'data-rating', rating);
    const word = lost ? this.words.unsteady : quality === undefined ? '' : this.words.quality[quality.rating];
    setText(this.word, word);
    setAttribute(this.element, 'aria-label', this.words.qualityOf(this.name, word));
  }

  private details(): HTMLElement {
    const q = this.quality;
    const { figures } = this.words;
    const rows: [string, string][] =
      q === undefined
        ? []
        : [
            [figures.loss, `${q.measure.lossPercent.toFixed(1)} %`],
            [figures.rtt, q.measure.rttMs === undefined ? figures.unknown : `${Math.round(q.measure.rttMs)} ms`],
            [figures.jitter, q.measure.jitterMs === undefined ? figures.unknown : `${Math.round(q.measure.jitterMs)} ms`],
            [figures.rate, `${Math.round(q.measure.kbps)} kbit/s`],
          ];
    return h(
      'div',
      { class: 'quality-details' },
      h('h3', {}, this.words.qualityOf(this.name, this.word.textContent)),
      h('p', {}, q === undefined ? '' : this.words.complaint(complaint(q))),
      h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    );
  }
}
