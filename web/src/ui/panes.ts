/** On a narrow screen one part of the consultation shows at a time. */
import { h, icon, setAttribute, type IconName } from './dom';

export type Pane = 'talk' | 'vitals' | 'side';

const PANES: readonly (readonly [Pane, string, IconName])[] = [
  ['talk', 'Conversation', 'talk'],
  ['vitals', 'Vitals', 'pulse'],
  ['side', 'Report & images', 'report'],
];

/** A press on one of its buttons is told as an event `pane`, with the pane as its detail. */
export function paneBar(): HTMLElement {
  const buttons = PANES.map(([pane, label, drawing]) => {
    const click = (event: Event): void => {
      event.currentTarget?.dispatchEvent(new CustomEvent<Pane>('pane', { detail: pane, bubbles: true }));
    };
    const button = h('button', { type: 'button', 'data-pane-button': pane, on: { click } }, icon(drawing), h('span', {}, label));
    setAttribute(button, 'aria-current', pane === 'talk' ? 'true' : undefined);
    return button;
  });
  return h('nav', { class: 'pane-bar', 'aria-label': 'Parts of the consultation' }, ...buttons);
}

export function showPane(app: HTMLElement, pane: Pane): void {
  app.dataset.pane = pane;
  for (const button of app.querySelectorAll('[data-pane-button]')) {
    setAttribute(button, 'aria-current', button.getAttribute('data-pane-button') === pane ? 'true' : undefined);
  }
}
