/** Report, images, alarms and, where the server assesses, what it makes of the conversation. */
import type { Store } from '../state/store';
import type { Alarms } from './alarms';
import { Assessment } from './assessment';
import { h } from './dom';
import type { Images } from './images';
import type { Report } from './report';
import type { Sources } from './sources';
import { Tabs } from './tabs';

export interface SidePanel {
  readonly element: HTMLElement;
  readonly select: (id: string) => void;
}

export function sidePanel(
  store: Store,
  sources: Sources,
  { report, images, alarms }: { report: Report; images: Images; alarms: Alarms },
): SidePanel {
  const tabs = new Tabs('Report, images and alarms', 'side');
  const panel = (content: HTMLElement): HTMLElement => h('div', { class: 'tab-panel', tabindex: '0' }, content);
  const body = h('div', { class: 'tab-panels' });
  const fixed = [
    { id: 'report', label: 'Report', panel: panel(report.element) },
    { id: 'images', label: 'Images', panel: panel(images.element) },
    { id: 'alarms', label: 'Alarms', panel: panel(alarms.history) },
  ];
  let any: boolean | undefined;
  const set = (assessed: boolean): void => {
    if (assessed === any) return;
    any = assessed;
    const all = assessed ? [...fixed, { id: 'assessment', label: 'Assessment', panel: assessmentPanel }] : fixed;
    body.replaceChildren(...all.map((t) => t.panel));
    tabs.set(all);
  };
  const assessmentPanel = panel(h('div'));
  set(false);
  assessmentPanel.replaceChildren(new Assessment(store, sources, set).element);
  store.subscribe((state, previous) => {
    tabs.setLabel('images', state.images.length > 0 ? `Images (${state.images.length})` : 'Images');
    tabs.setLabel('alarms', state.alarms.length > 0 ? `Alarms (${state.alarms.length})` : 'Alarms');
    if (previous.head === 0) return;
    if (state.report !== previous.report) tabs.setFresh('report', true);
    if (state.images.length > previous.images.length) tabs.setFresh('images', true);
  });
  const title = h('h2', { class: 'sr', id: 'side-title' }, 'Report, images and alarms');
  const element = h('section', { class: 'panel side', 'aria-labelledby': 'side-title' }, title, tabs.list, body);
  return { element, select: (id) => { tabs.select(id); } };
}
