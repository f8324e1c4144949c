/** Captions on a speaker's picture: in the viewer's language large, as spoken small beneath. */
import type { Overlay, OverlayText } from '../state/overlay';
import { h, replace, setAttribute, setText } from './dom';
import { flagLine, marked } from './flag';
import type { Words } from './words';

export class OverlayView {
  readonly element = h('div', { class: 'overlay', 'data-testid': 'overlay', 'aria-hidden': 'true' });
  private readonly lead = h('p', { class: 'lead', 'data-testid': 'overlay-lead' }, h('span', { class: 'committed' }), h('span', { class: 'tentative' }), h('span', { class: 'more' }));
  private readonly original = h('p', { class: 'original' }, h('span', { class: 'committed' }), h('span', { class: 'tentative' }));
  private readonly flag = h('div', { class: 'overlay-flag' });
  private shownFlag = '';

  constructor(private readonly words: Words) {
    this.element.append(this.flag, h('div', { class: 'overlay-text' }, this.lead, this.original));
  }

  show({ text, earlier }: Overlay, viewer: string | undefined): void {
    this.showFlag(text?.flag ?? earlier);
    // Fades with its last words on it.
    setAttribute(this.element, 'data-shown', text !== undefined);
    setAttribute(this.element, 'data-flagged', text?.flag !== undefined || earlier !== undefined);
    if (text === undefined) return;
    setAttribute(this.element, 'data-stage', text.stage);
    setAttribute(this.element, 'data-utterance', text.key);
    this.showLead(text, viewer);
    this.showOriginal(text);
  }

  private showLead(text: OverlayText, viewer: string | undefined): void {
    const [committed, tentative, more] = this.lead.children;
    if (committed === undefined || tentative === undefined || more === undefined) return;
    setAttribute(this.lead, 'lang', viewer);
    if (text.flag === undefined) setText(committed, text.committed);
    else if (committed.textContent !== text.committed || committed.querySelector('mark') === null) {
      replace(committed, ...marked(text.committed, text.flag.findings, 'target'));
    }
    setText(tentative, spaced(text.committed, text.tentative));
    const waiting = text.stage === 'waiting' || (text.stage === 'partial' && text.original !== undefined);
    setText(more, text.stage === 'speaking' ? '…' : waiting ? `${this.words.translating}…` : text.stage === 'draft' ? ' …' : '');
  }

  private showOriginal({ original, flag }: OverlayText): void {
    this.original.hidden = original === undefined;
    const [committed, tentative] = this.original.children;
    if (original === undefined || committed === undefined || tentative === undefined) return;
    setAttribute(this.original, 'lang', original.language);
    if (flag === undefined) setText(committed, original.committed);
    else if (committed.textContent !== original.committed || committed.querySelector('mark') === null) {
      replace(committed, ...marked(original.committed, flag.findings, 'source'));
    }
    setText(tentative, spaced(original.committed, original.tentative));
  }

  private showFlag(flag: Overlay['earlier'] | OverlayText['flag']): void {
    const shown = flag === undefined ? '' : JSON.stringify(flag);
    if (shown === this.shownFlag) return;
    this.shownFlag = shown;
    if (flag === undefined) {
      replace(this.flag);
      return;
    }
    const about = 'translation' in flag ? h('p', { class: 'about' }, `“${flag.translation}”`) : undefined;
    replace(this.flag, flagLine(this.words.check, flag.findings, this.words.finding, flag.skipped), about);
  }
}

/** Words that may still change follow with a space, unless they begin with a mark. */
export function spaced(before: string, after: string): string {
  const joined = before === '' || after === '' || /\s$/.test(before) || /^[\s.,;:!?…]/.test(after);
  return joined ? after : ` ${after}`;
}
