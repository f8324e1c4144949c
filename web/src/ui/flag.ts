/** Shows what a translation did not keep: the words themselves, and what is wrong with them. */
import type { PreservationFinding, SpeechSkipReason } from '@events';
import { explainFindings, pieces, type FindingWords } from '../state/findings';
import { h, icon } from './dom';

/** Text with the words that differ marked; `side` says of which text the words are. */
export function marked(text: string, findings: readonly PreservationFinding[], side: 'source' | 'target'): Node[] {
  const words = findings.flatMap((f) => (f[side] === undefined ? [] : [f[side]]));
  return pieces(text, words).map((piece) => (piece.marked ? h('mark', { class: 'differs' }, piece.text) : document.createTextNode(piece.text)));
}

export function flagLine(title: string, findings: readonly PreservationFinding[], words: FindingWords, skipped?: SpeechSkipReason): HTMLElement {
  return h(
    'p',
    { class: 'flag', 'data-testid': 'flag' },
    icon('alarm'),
    h('span', {}, h('strong', {}, title), ' ', explainFindings(findings, words, skipped)),
  );
}
