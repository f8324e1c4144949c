/** What a translation did not keep, in plain words, and where it stands in a text. Pure. */
import type { PreservationFinding, PreservedKind, SpeechSkipReason } from '@events';

/** The words to say it in. */
export interface FindingWords {
  readonly what: Readonly<Record<PreservedKind, string>>;
  differs(what: string, source: string, target: string): string;
  lost(what: string): string;
  added(what: string): string;
  readonly notSpoken: string;
}

/** `dose or unit differs: 50 mg → 50 g`. */
export function explainFinding({ kind, problem, source, target }: PreservationFinding, words: FindingWords): string {
  const what = words.what[kind];
  switch (problem) {
    case 'changed':
      return words.differs(what, source ?? '?', target ?? '?');
    case 'missing':
      return words.lost(what) + quoted(source);
    case 'added':
      return words.added(what) + quoted(target);
  }
}

function quoted(words: string | undefined): string {
  return words === undefined ? '' : `: ${words}`;
}

/** One sentence for all findings of a translation: `dose or unit differs: 50 mg → 50 g; not spoken aloud`. */
export function explainFindings(findings: readonly PreservationFinding[], words: FindingWords, skipped?: SpeechSkipReason): string {
  const parts = findings.map((finding) => explainFinding(finding, words));
  if (skipped === 'not_preserved') parts.push(words.notSpoken);
  return parts.join('; ');
}

export interface Piece {
  readonly text: string;
  readonly marked: boolean;
}

/** Cuts `text` so that each of `words` is a piece of its own, the first time it stands there as whole words. */
export function pieces(text: string, words: readonly string[]): Piece[] {
  const spans = words.flatMap((word) => find(text, word)).sort((a, b) => a.from - b.from);
  const cut: Piece[] = [];
  let at = 0;
  for (const { from, to } of spans) {
    if (from < at) continue;
    if (from > at) cut.push({ text: text.slice(at, from), marked: false });
    cut.push({ text: text.slice(from, to), marked: true });
    at = to;
  }
  if (at < text.length) cut.push({ text: text.slice(at), marked: false });
  return cut;
}

const LETTER = /[\p{L}\p{N}]/u;

function find(text: string, word: string): { from: number; to: number }[] {
  if (word === '') return [];
  const [hay, needle] = [text.toLocaleLowerCase(), word.toLocaleLowerCase()];
  // Lower case changes the length of a few letters: then positions would lie.
  if (hay.length !== text.length || needle.length !== word.length) return [];
  for (let from = hay.indexOf(needle); from >= 0; from = hay.indexOf(needle, from + 1)) {
    const to = from + needle.length;
    if (!LETTER.test(text.charAt(from - 1)) && !LETTER.test(text.charAt(to))) return [{ from, to }];
  }
  return [];
}
