import { expect, it } from 'vitest';
import { explain } from './findings';

it('names what differs with the words on both sides', () => {
  expect(explain({ kind: 'unit', problem: 'changed', source: '50 mg', target: '50 g' })).toBe('dose or unit differs: 50 mg → 50 g');
});

it('names what is missing or was added', () => {
  expect(explain({ kind: 'drug', problem: 'missing', source: 'losartana' })).toBe('drug is missing (losartana)');
  expect(explain({ kind: 'negation', problem: 'added', target: 'not' })).toBe('negation was added (not)');
  expect(explain({ kind: 'negation', problem: 'missing' })).toBe('negation is missing');
});
