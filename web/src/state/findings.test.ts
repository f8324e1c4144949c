import { describe, expect, it } from 'vitest';
import { wordsFor } from '../ui/words';
import { explainFindings, pieces } from './findings';

const { finding: en } = wordsFor('en');
const { finding: pt } = wordsFor('pt');

describe('what a translation did not keep', () => {
  it('is said in plain words, with the words themselves', () => {
    const dose = { kind: 'unit', problem: 'changed', source: '50 mg', target: '50 g' } as const;
    expect(explainFindings([dose], en, 'not_preserved')).toBe('dose or unit differs: 50 mg → 50 g; not spoken aloud');
    expect(explainFindings([dose], pt, 'not_preserved')).toBe('dose ou unidade diferente: 50 mg → 50 g; não dito em voz alta');
  });

  it('says that it was not spoken only where that is why', () => {
    const lost = { kind: 'negation', problem: 'missing', source: 'não' } as const;
    expect(explainFindings([lost], en)).toBe('“not” lost in translation: não');
    expect(explainFindings([lost], en, 'turn_taken')).toBe('“not” lost in translation: não');
  });

  it('names all that differs', () => {
    const text = explainFindings(
      [
        { kind: 'laterality', problem: 'changed', source: 'esquerdo', target: 'right' },
        { kind: 'drug', problem: 'added', target: 'aspirin' },
        { kind: 'number', problem: 'missing' },
      ],
      en,
    );
    expect(text).toBe('side of the body differs: esquerdo → right; medicine not in the original: aspirin; number lost in translation');
  });
});

describe('marking words', () => {
  const marks = (text: string, ...words: string[]): string => pieces(text, words).map((p) => (p.marked ? `[${p.text}]` : p.text)).join('');

  it('finds whole words only, whatever their case', () => {
    expect(marks('Não anoto, não tomo.', 'não')).toBe('[Não] anoto, não tomo.');
    expect(marks('Tomo 150 mg, não 50 mg.', '50 mg')).toBe('Tomo 150 mg, não [50 mg].');
  });

  it('keeps the text whole, marked or not', () => {
    for (const words of [['dor'], ['peito', 'dor no'], ['zebra'], ['']]) {
      expect(pieces('Estou com dor no peito.', words).map((p) => p.text).join('')).toBe('Estou com dor no peito.');
    }
  });

  it('marks no word twice where two overlap', () => {
    expect(marks('50 mg de losartana', '50 mg', '50')).toBe('[50 mg] de losartana');
  });
});
