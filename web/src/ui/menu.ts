/** A popover that stays as it is while closed: for controls with a state of their own. */
import { h, setAttribute } from './dom';
import { place } from './popover';

export class Menu {
  readonly element: HTMLElement;
  private openedBy: HTMLElement;

  constructor(
    anchor: HTMLElement,
    label: string,
    content: HTMLElement,
    private readonly onOpen: () => void = () => undefined,
  ) {
    this.element = h('div', { class: 'popover', popover: 'auto', role: 'dialog', tabindex: '-1', 'aria-label': label }, content);
    document.body.append(this.element);
    this.element.addEventListener('toggle', (event) => {
      setAttribute(this.openedBy, 'aria-expanded', String(event.newState === 'open'));
    });
    this.openedBy = anchor;
    this.alsoFrom(anchor);
  }

  /** Another button that opens the same. */
  alsoFrom(anchor: HTMLElement): void {
    setAttribute(anchor, 'aria-expanded', 'false');
    setAttribute(anchor, 'aria-haspopup', 'dialog');
    // A press on the anchor closes it first: what was open then must not open again.
    let wasOpen = false;
    anchor.addEventListener('pointerdown', () => {
      wasOpen = this.element.matches(':popover-open');
    });
    anchor.addEventListener('click', (event) => {
      // A key has not closed it.
      if (event.detail === 0 && this.element.matches(':popover-open')) this.close();
      else if (!wasOpen) this.open(anchor);
      wasOpen = false;
    });
  }

  close(): void {
    if (this.element.matches(':popover-open')) this.element.hidePopover();
  }

  private open(anchor: HTMLElement): void {
    this.openedBy = anchor;
    this.onOpen();
    this.element.showPopover();
    place(this.element, anchor);
    this.element.focus({ preventScroll: true });
  }
}
