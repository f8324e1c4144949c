/** Tabs as the ARIA authoring practices describe them: one tab stop, arrows move. */
import { h, setAttribute, setText } from './dom';

export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly panel: HTMLElement;
}

export class Tabs {
  readonly list: HTMLElement;
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private tabs: readonly Tab[] = [];
  private selectedId = '';

  constructor(
    label: string,
    private readonly prefix: string,
    private readonly onSelect: (id: string) => void = () => undefined,
  ) {
    this.list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': label });
    this.list.addEventListener('keydown', (event) => {
      this.key(event);
    });
  }

  get selected(): string {
    return this.selectedId;
  }

  set(tabs: readonly Tab[]): void {
    this.tabs = tabs;
    this.buttons.clear();
    this.list.replaceChildren();
    for (const { id, label, panel } of tabs) {
      const on = {
        click: () => {
          this.select(id);
        },
      };
      const name = `${this.prefix}-tab-${id}`;
      const panelId = `${this.prefix}-panel-${id}`;
      const button = h('button', { type: 'button', role: 'tab', id: name, 'aria-controls': panelId, on }, label);
      this.buttons.set(id, button);
      this.list.append(button);
      setAttribute(panel, 'role', 'tabpanel');
      setAttribute(panel, 'id', panelId);
      setAttribute(panel, 'aria-labelledby', name);
    }
    this.select(tabs.some((t) => t.id === this.selectedId) ? this.selectedId : (tabs[0]?.id ?? ''));
  }

  setLabel(id: string, label: string): void {
    const button = this.buttons.get(id);
    if (button !== undefined) setText(button, label);
  }

  /** A mark that there is something new behind a tab that is not open. */
  setFresh(id: string, fresh: boolean): void {
    const button = this.buttons.get(id);
    if (button !== undefined) setAttribute(button, 'data-fresh', fresh && id !== this.selectedId);
  }

  select(id: string): void {
    if (!this.tabs.some((t) => t.id === id)) return;
    this.selectedId = id;
    for (const tab of this.tabs) {
      const selected = tab.id === id;
      tab.panel.hidden = !selected;
      const button = this.buttons.get(tab.id);
      if (button === undefined) continue;
      button.setAttribute('aria-selected', String(selected));
      button.tabIndex = selected ? 0 : -1;
      if (selected) button.removeAttribute('data-fresh');
    }
    this.onSelect(id);
  }

  private key(event: KeyboardEvent): void {
    const at = this.tabs.findIndex((t) => t.id === this.selectedId);
    const last = this.tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    const tab = to === undefined ? undefined : this.tabs[to];
    if (tab === undefined) return;
    event.preventDefault();
    this.select(tab.id);
    this.buttons.get(tab.id)?.focus();
  }
}
