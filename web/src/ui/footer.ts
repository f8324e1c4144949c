import { h } from './dom';

export function footer(): HTMLElement {
  return h(
    'footer',
    { class: 'footer' },
    h('span', {}, 'Decision support, not diagnosis.'),
    ' ',
    h('span', {}, 'Captions, translations and reports are made by machine and may be wrong.'),
  );
}
