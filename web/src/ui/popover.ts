/** One shared popover and one shared tooltip, placed beside what they are about. */
import { h, replace, setText } from './dom';

const MARGIN = 8;

export class Popover {
  private anchor: Element | undefined;
  private readonly element = h('div', { class: 'popover', popover: 'auto', role: 'dialog', tabindex: '-1' });

  constructor() {
    this.element.addEventListener('toggle', (event) => {
      if ((event).newState === 'closed') this.closed();
    });
    document.body.append(this.element);
  }

  open(anchor: Element, label: string, content: Node): void {
    this.anchor?.setAttribute('aria-expanded', 'false');
    this.anchor = anchor;
    anchor.setAttribute('aria-expanded', 'true');
    this.element.setAttribute('aria-label', label);
    replace(this.element, content);
    this.element.showPopover();
    place(this.element, anchor);
    this.element.focus({ preventScroll: true });
  }

  close(): void {
    if (this.element.matches(':popover-open')) this.element.hidePopover();
  }

  private closed(): void {
    this.anchor?.setAttribute('aria-expanded', 'false');
    this.anchor = undefined;
  }
}

export class Tooltip {
  private readonly element = h('div', { class: 'tooltip', popover: 'manual', role: 'tooltip', id: 'tooltip' });

  constructor() {
    document.body.append(this.element);
  }

  show(anchor: Element, text: string): void {
    setText(this.element, text);
    if (!this.element.matches(':popover-open')) this.element.showPopover();
    place(this.element, anchor);
  }

  hide(): void {
    if (this.element.matches(':popover-open')) this.element.hidePopover();
  }
}

export function place(element: HTMLElement, anchor: Element): void {
  const to = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = element;
  const left = Math.min(Math.max(MARGIN, to.left + to.width / 2 - width / 2), innerWidth - width - MARGIN);
  const below = to.bottom + MARGIN;
  const top = below + height > innerHeight - MARGIN ? Math.max(MARGIN, to.top - height - MARGIN) : below;
  element.style.left = `${Math.max(MARGIN, left)}px`;
  element.style.top = `${top}px`;
}
