/** Colours of the theme for what is drawn rather than styled. */
import { onThemeChange } from './theme';

const known = new Map<string, string>();
let listening = false;

/** The value of a custom property, such as `--ink`. */
export function colour(property: string): string {
  if (!listening) {
    listening = true;
    onThemeChange(() => { known.clear(); });
  }
  let value = known.get(property);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
    known.set(property, value);
  }
  return value;
}
