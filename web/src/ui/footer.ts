import { h } from './dom';
import { wordsFor, type Words } from './words';

export function footer(words: Words = wordsFor('en')): HTMLElement {
  return h('footer', { class: 'footer' }, h('span', {}, words.notDiagnosis), ' ', h('span', {}, words.machineMade));
}
