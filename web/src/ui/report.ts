/** The report: a tab per language, every sentence with the events it rests on. */
import type { ReportReady, ReportSentence, ReportText, SessionId } from '@events';
import { ApiError, fetchMarkdown } from '../net/api';
import { CommandError, type Connection } from '../net/connection';
import type { SessionState } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, replace, setText } from './dom';
import { clockTime, languageName } from './format';
import type { Sources } from './sources';
import { Tabs } from './tabs';

export class Report {
  readonly element: HTMLElement;
  private readonly request: HTMLButtonElement;
  private readonly download: HTMLButtonElement;
  private readonly status = h('p', { class: 'fine', role: 'status' });
  private readonly body = h('div', { class: 'report-body' });
  private readonly tabs = new Tabs('Report language', 'report');
  private readonly info: HTMLButtonElement;
  private report: ReportReady | undefined;

  constructor(
    private readonly session: SessionId,
    store: Store,
    private readonly connection: Connection,
    private readonly sources: Sources,
  ) {
    const ask = (): void => {
      void this.ask();
    };
    const save = (): void => {
      void this.save();
    };
    this.request = h('button', { type: 'button', class: 'button primary', 'data-testid': 'report-request', on: { click: ask } }, 'Write report');
    this.download = h('button', { type: 'button', class: 'button', 'data-testid': 'report-download', on: { click: save } }, icon('download'), 'Markdown');
    this.info = sources.provenanceButton('report', () => this.report?.provenance);
    this.element = h(
      'div',
      { class: 'report' },
      h('div', { class: 'report-bar' }, this.tabs.list, h('div', { class: 'report-actions' }, this.info, this.download, this.request)),
      this.status,
      this.body,
    );
    store.subscribe((state, previous) => {
      if (state.report !== previous.report || state.head === 0) this.render(state);
      this.renderStatus(state);
    });
  }

  private render(state: SessionState): void {
    this.report = state.report?.value;
    const texts = this.report?.texts ?? [];
    const none = texts.length === 0;
    this.info.hidden = this.download.hidden = none;
    this.tabs.list.hidden = none;
    const panels = texts.map((text) => this.text(text));
    this.tabs.set(texts.map((text, i) => ({ id: text.language, label: languageName(text.language), panel: panels[i] ?? h('div') })));
    const hint = 'A report states only what was said and measured; every sentence names its sources.';
    replace(this.body, ...(none ? [h('p', { class: 'empty' }, hint)] : panels));
  }

  private renderStatus(state: SessionState): void {
    const pending = state.reportPending !== undefined;
    const ended = state.ended !== undefined;
    this.request.disabled = pending || ended;
    setText(this.request, this.report === undefined ? 'Write report' : 'Write again');
    this.request.hidden = ended && this.report !== undefined;
    if (pending && !ended) setText(this.status, 'The report is being written…');
    else if (state.report === undefined) setText(this.status, ended ? 'The session ended without a report.' : '');
    else {
      const note = state.head > state.report.seq ? '; what came after is not in it' : '';
      setText(this.status, `Written ${clockTime(state.report.at)}, up to event ${state.report.value.up_to}${note}.`);
    }
  }

  private text({ language, title, sections }: ReportText): HTMLElement {
    const parts = sections.map(({ heading, sentences }) =>
      h('section', {}, h('h4', {}, heading), h('ul', {}, ...sentences.map((s) => this.sentence(s)))),
    );
    return h('div', { lang: language, class: 'report-text' }, h('h3', {}, title), ...parts);
  }

  private sentence({ text, sources }: ReportSentence): HTMLElement {
    const chips = sources.length > 0 && this.sources.chips(sources);
    return h('li', { 'data-testid': 'report-sentence' }, text, ' ', chips);
  }

  private async ask(): Promise<void> {
    this.request.disabled = true;
    try {
      await this.connection.send({ command: 'report.request' });
    } catch (error) {
      this.request.disabled = false;
      setText(this.status, error instanceof CommandError ? error.message : 'The report could not be requested.');
    }
  }

  private async save(): Promise<void> {
    const language = this.tabs.selected;
    try {
      const blob = await fetchMarkdown(this.session, 'report', language);
      const url = URL.createObjectURL(blob);
      // The name holds no patient identifier: downloads folders are shared.
      h('a', { href: url, download: `report-${this.session.slice(0, 8)}-${language}.md` }).click();
      setTimeout(() => {
        URL.revokeObjectURL(url);
      }, 10_000);
    } catch (error) {
      setText(this.status, error instanceof ApiError ? error.message : 'The report could not be downloaded.');
    }
  }
}
