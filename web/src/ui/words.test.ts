import { expect, it } from 'vitest';
import { CommandError } from '../net/connection';
import { en } from './words-en';
import { pt } from './words-pt';
import { sayWhy, wordsFor } from './words';

it('says why only to those who read the server’s language', () => {
  const error = new CommandError('The session has ended.');
  expect(sayWhy(en, en.notSent, error)).toBe('Not sent. The session has ended.');
  expect(sayWhy(pt, pt.notSent, error)).toBe('Não enviado. Tente de novo.');
});

it('tells a full server from one that is away and from a consultation that is over', () => {
  for (const words of [en, pt]) {
    const said = [0, 410, 503, 422, undefined].map((status) => words.refused(status));
    expect(new Set(said).size).toBe(4);
    expect(words.refused(429)).toBe(words.refused(503));
  }
  expect(pt.refused(410)).toBe('A consulta terminou.');
});

it('leaves nothing in English for who reads Portuguese', () => {
  // Words that are the same in both.
  const same = new Set(['tag', 'original']);
  const texts = (words: object): [string, unknown][] => Object.entries(words).flatMap(([key, value]) => (typeof value === 'object' ? texts(value as object).map(([k, v]): [string, unknown] => [`${key}.${k}`, v]) : [[key, value]]));
  const english = new Map(texts(en));
  expect(texts(wordsFor('pt-BR')).filter(([key, text]) => typeof text === 'string' && text === english.get(key) && !same.has(key))).toEqual([]);
});
