// @vitest-environment happy-dom
import { beforeEach, expect, it } from 'vitest';
import { Menu } from './menu';

let anchor: HTMLButtonElement;
let menu: Menu;
let open: boolean;

/** Popovers need a browser's layers: here only whether one is open. */
function stand(element: HTMLElement): void {
  element.showPopover = () => { open = true; };
  element.hidePopover = () => { open = false; };
  Object.assign(element, { matches: (selector: string) => selector === ':popover-open' && open });
}

beforeEach(() => {
  open = false;
  anchor = document.createElement('button');
  document.body.replaceChildren(anchor);
  menu = new Menu(anchor, 'Devices', document.createElement('div'));
  stand(menu.element);
});

const key = (): void => void anchor.dispatchEvent(new MouseEvent('click', { detail: 0 }));

it('opens and closes by the same key', () => {
  key();
  expect(open).toBe(true);
  key();
  expect(open).toBe(false);
});

it('is not opened again by the press that closed it', () => {
  key();
  anchor.dispatchEvent(new Event('pointerdown'));
  // As browsers do: a press outside closes what is open.
  open = false;
  anchor.dispatchEvent(new MouseEvent('click', { detail: 1 }));
  expect(open).toBe(false);
});
