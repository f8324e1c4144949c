/** What did not survive a translation, in words. */
import type { PreservationFinding, PreservedKind } from '@events';

const KINDS: Readonly<Record<PreservedKind, string>> = {
  number: 'number',
  unit: 'dose or unit',
  drug: 'drug',
  negation: 'negation',
  laterality: 'side',
  term: 'term',
};

/** For example `dose or unit differs: 50 mg → 50 g`. */
export function explain({ kind, problem, source, target }: PreservationFinding): string {
  const what = KINDS[kind];
  if (problem === 'changed') return `${what} differs: ${source ?? '?'} → ${target ?? '?'}`;
  const words = source ?? target;
  const named = words === undefined ? '' : ` (${words})`;
  return problem === 'missing' ? `${what} is missing${named}` : `${what} was added${named}`;
}
