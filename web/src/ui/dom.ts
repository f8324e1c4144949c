/** Elements without a framework. Text always becomes a text node, never markup. */
export type Child = Node | string | number | undefined | false;
export type AttributeValue = string | number | boolean | undefined;
type Handler<K extends keyof HTMLElementEventMap> = (event: HTMLElementEventMap[K]) => void;

export interface Attributes {
  readonly class?: string;
  readonly on?: { readonly [K in keyof HTMLElementEventMap]?: Handler<K> };
  readonly [name: string]: AttributeValue | Attributes['on'];
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') continue;
    setAttribute(element, name, value as AttributeValue);
  }
  for (const [type, handler] of Object.entries(attributes.on ?? {})) {
    element.addEventListener(type, handler as EventListener);
  }
  append(element, children);
  return element;
}

/** `undefined` and `false` take the attribute away, `true` sets it empty. */
export function setAttribute(element: Element, name: string, value: AttributeValue): void {
  if (value === undefined || value === false) {
    element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    element.append(typeof child === 'number' ? String(child) : child);
  }
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Touches the page only when the text differs. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag: string, attributes: Record<string, string | number>, ...children: SVGElement[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** 24 by 24 line drawings. */
const ICONS = {
  mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3Zm-6 8a6 6 0 0 0 12 0M12 17v4m-3 0h6',
  'mic-off': 'M4 4l16 16M9 9v2a3 3 0 0 0 4.5 2.6M15 11V6a3 3 0 0 0-5.7-1.3M6 11a6 6 0 0 0 9 5.2M12 17v4m-3 0h6m2-10h1a6 6 0 0 1-.6 2.6',
  speaker: 'M4 9.5v5h3.5L12 18V6L7.5 9.5H4ZM15.5 9a4 4 0 0 1 0 6M18 6.5a7.6 7.6 0 0 1 0 11',
  'speaker-off': 'M4 9.5v5h3.5L12 18V6L7.5 9.5H4ZM16 9.5l5 5m0-5l-5 5',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-10v5.5M12 7.6v.2',
  bell: 'M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15L6 16Zm4 4.5a2.2 2.2 0 0 0 4 0',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-13v1.5m0 15V21M3 12h1.5m15 0H21M5.6 5.6l1.1 1.1m10.6 10.6 1.1 1.1m0-12.8-1.1 1.1M6.7 17.3l-1.1 1.1',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z',
  down: 'M12 5v14m-6-6 6 6 6-6',
  upload: 'M12 15V4m-5 5 5-5 5 5M4 15v4.5h16V15',
  download: 'M12 4v11m-5-5 5 5 5-5M4 15v4.5h16V15',
  close: 'M6 6l12 12M18 6 6 18',
  send: 'M4 12h15m-6-6 6 6-6 6',
  expand: 'M9 4H4v5m11-5h5v5M9 20H4v-5m11 5h5v-5',
  back: 'M19 12H5m6-6-6 6 6 6',
  alarm: 'M12 3.5 22 20.5H2L12 3.5Zm0 6v5m0 2.8v.2',
  sensor: 'M3 12a4 4 0 1 0 8 0 4 4 0 0 0-8 0Zm8 0h3l2-4 2 8 2-4h2',
  talk: 'M4 5h16v11H11l-5 4v-4H4V5Z',
  pulse: 'M3 12h4l2.5-6 4.5 12 2.5-6H21',
  camera: 'M3 7h11v10H3V7Zm11 3.5 6-3v9l-6-3',
  'camera-off': 'M4 4l16 16M7.5 7H14v6m0 3.5v.5H3V7h.5M14 10.5l6-3v9l-3-1.5',
  leave: 'M3 14.5c5-4.6 13-4.6 18 0l-2.4 2.8-3.6-1.6v-2.6a13 13 0 0 0-6 0v2.6l-3.6 1.6L3 14.5Z',
  captions: 'M3 5.5h18v13H3v-13Zm7.5 5a2.2 2.2 0 1 0 0 3m7-3a2.2 2.2 0 1 0 0 3',
  hear: 'M5 14v-2a7 7 0 0 1 14 0v2m-14 0v3.5a1.5 1.5 0 0 0 3 0v-3a1.5 1.5 0 0 0-3 0m14-.5v3.5a1.5 1.5 0 0 1-3 0v-3a1.5 1.5 0 0 1 3 0',
  settings: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM9 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  invite: 'M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-7 8a7 7 0 0 1 12.5-4.3M18.5 15v6m-3-3h6',
  shrink: 'M4 9h5V4m6 0v5h5M4 15h5v5m6 0v-5h5',
  check: 'M5 12.5 10 17.5 19.5 7',
  copy: 'M9 9V4h11v11h-5M4 9h11v11H4V9Z',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 9a8 8 0 0 1 16 0',
  report: 'M6 3h9l4 4v14H6V3Zm8 0v5h5M9 12.5h6.5M9 16.5h6.5',
} as const;

export type IconName = keyof typeof ICONS;

export function icon(name: IconName): SVGElement {
  return svg(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: ICONS[name] }),
  );
}

/** A switchable button keeps its element; only its drawing changes. */
export function setIcon(button: Element, name: IconName): void {
  if (button.getAttribute('data-icon') === name) return;
  button.setAttribute('data-icon', name);
  button.querySelector('.icon')?.replaceWith(icon(name));
}
