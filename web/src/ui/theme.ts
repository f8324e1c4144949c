/** Light or dark: the system's choice until the person makes their own. */
import { h, icon, setAttribute, setIcon } from './dom';
import { chosenTheme, saveTheme, type Theme } from './preferences';
import { wordsFor, type Words } from './words';

const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners: (() => void)[] = [];

function current(): Theme {
  return chosenTheme() ?? (dark.matches ? 'dark' : 'light');
}

export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

function apply(): void {
  document.documentElement.dataset.theme = current();
  for (const listener of listeners) listener();
}

dark.addEventListener('change', apply);

export function themeButton(words: Words = wordsFor('en')): HTMLButtonElement {
  const toggle = (): void => {
    saveTheme(current() === 'dark' ? 'light' : 'dark');
    apply();
  };
  const button = h('button', { type: 'button', class: 'icon-button', on: { click: toggle } }, icon('moon'));
  const show = (): void => {
    const isDark = current() === 'dark';
    setIcon(button, isDark ? 'sun' : 'moon');
    setAttribute(button, 'aria-label', isDark ? words.lightTheme : words.darkTheme);
  };
  onThemeChange(show);
  show();
  return button;
}
