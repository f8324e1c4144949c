/**
 * The words of the call, in the languages the page can be used in. A patient who follows an invitation reads them in
 * the language they were invited in; what clinicians alone see is in English.
 */
import type { Language } from '@events';
import { CommandError } from '../net/connection';
import { primary } from './format';
import { en, type Words } from './words-en';
import { pt } from './words-pt';

export type { Words } from './words-en';

const ALL: Readonly<Record<string, Words>> = { en, pt };

export function wordsFor(language: Language): Words {
  return ALL[primary(language)] ?? en;
}

export function roleName(words: Words, participant: string): string {
  const known = words.roles[participant];
  if (known !== undefined) return known;
  const text = participant.replaceAll(/[-_]+/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What did not work, and why where the reader knows English: the server says why in no other language. */
export function sayWhy(words: Words, what: string, error: unknown): string {
  return words === en && error instanceof CommandError ? `${what} ${error.message}` : what;
}

/** For a placeholder where there is no picture: `MD` of "Maria Dias", `P` of "Patient". */
export function initials(name: string): string {
  const parts = name.split(/\s+/).filter((part) => part !== '');
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts.slice(0, 1);
  return letters.map((part) => String.fromCodePoint(part?.codePointAt(0) ?? 0x20)).join('').trim().toLocaleUpperCase();
}
