/** One utterance or chat message: a cell per language of the session. Updates in place. */
import type { Language } from '@events';
import type { ChatRow, Row, UtteranceRow } from '../state/model';
import { h, icon, setAttribute, setText } from './dom';
import { explain } from '../state/findings';
import { clockTime, dropReason, languageName, sameLanguage, speakerName } from './format';
import type { Sources } from './sources';

/** Below this mean token probability a reader should doubt the words. */
const LOW_CONFIDENCE = 0.6;

interface Cell {
  readonly language: Language;
  readonly element: HTMLElement;
}

export class CaptionRow {
  readonly element: HTMLElement;
  private row: Row;
  private readonly cells: readonly Cell[];

  constructor(
    row: Row,
    languages: readonly Language[],
    private readonly fallbackLanguage: Language | undefined,
    private readonly sources: Sources,
  ) {
    this.row = row;
    this.cells = languages.map((language) => ({
      language,
      element: h('div', { class: 'cell', lang: language, 'data-column': language }),
    }));
    const meta = h(
      'div',
      { class: 'meta' },
      h('span', { class: 'speaker' }, speakerName(row.participant)),
      h('time', { datetime: row.at, title: `event ${row.seq}` }, clockTime(row.at)),
      row.kind === 'chat' && h('span', { class: 'typed' }, 'typed'),
    );
    this.element = h('li', { class: 'row', 'data-testid': 'caption-row', 'data-key': row.key }, meta);
    this.element.append(...this.cells.map((c) => c.element));
    setAttribute(this.element, 'data-speaker', row.participant);
    this.update(row);
  }

  update(row: Row): void {
    this.row = row;
    if (row.kind === 'chat') this.updateChat(row);
    else this.updateUtterance(row);
  }

  setSpeaking(speaking: boolean): void {
    setAttribute(this.element, 'data-playing', speaking);
  }

  private updateChat(row: ChatRow): void {
    setAttribute(this.element, 'data-lang', row.language);
    setAttribute(this.element, 'data-kind', 'chat');
    setAttribute(this.element, 'data-final', 'true');
    const own = this.ownCell(row.language);
    for (const { element } of this.cells) {
      if (element === own) fill(element, 'original', h('p', { class: 'text' }, h('span', {}, row.text)));
      else fill(element, 'none', h('p', { class: 'text pending' }, 'typed, not translated'));
      if (element !== own) element.lang = 'en';
    }
  }

  private updateUtterance(row: UtteranceRow): void {
    const language = row.language ?? this.fallbackLanguage;
    const reason = row.dropped === undefined ? undefined : dropReason(row.dropped);
    this.element.hidden = row.phase === 'dropped' && reason === undefined;
    setAttribute(this.element, 'data-utterance', row.key);
    setAttribute(this.element, 'data-lang', language);
    setAttribute(this.element, 'data-final', String(row.phase === 'final'));
    setAttribute(this.element, 'data-phase', row.phase);
    const own = language === undefined ? this.cells[0]?.element : this.ownCell(language);
    for (const cell of this.cells) {
      if (cell.element === own) this.updateOriginal(cell.element, row, reason);
      else this.updateTranslation(cell, row);
    }
  }

  /** A speaker of a language the session has no column for is shown in the first. */
  private ownCell(language: Language): HTMLElement | undefined {
    return (this.cells.find((c) => sameLanguage(c.language, language)) ?? this.cells[0])?.element;
  }

  private updateOriginal(cell: HTMLElement, row: UtteranceRow, reason: string | undefined): void {
    if (reason !== undefined) {
      fill(cell, 'dropped', h('p', { class: 'text pending', lang: 'en' }, reason));
      return;
    }
    if (row.phase === 'speaking') {
      fill(cell, 'speaking', h('p', { class: 'text pending', lang: 'en' }, dots(), row.ended ? 'transcribing' : 'speaking'));
      return;
    }
    // Partials change several times a second: only text nodes are touched then.
    const state = row.phase === 'final' ? 'original' : 'partial';
    if (cell.dataset.state !== state) this.buildOriginal(cell, state, row);
    const [committed, tentative] = cell.querySelectorAll('.text > span');
    if (committed !== undefined) setText(committed, row.committed);
    if (tentative !== undefined) setText(tentative, gap(row.committed, row.tentative) + row.tentative);
  }

  private buildOriginal(cell: HTMLElement, state: string, row: UtteranceRow): void {
    const text = h('p', { class: 'text' }, h('span', { class: 'committed' }));
    if (state === 'partial') text.append(h('span', { class: 'tentative' }));
    const low = row.final !== undefined && row.final.confidence < LOW_CONFIDENCE;
    const note = h('div', { class: 'note', lang: 'en' });
    if (low) note.append(h('span', { class: 'doubt' }, 'low confidence'));
    if (state === 'original') note.append(this.provenance('caption', () => utterance(this.row)?.provenance));
    fill(cell, state, text, note);
  }

  private updateTranslation({ language, element }: Cell, row: UtteranceRow): void {
    const translation = row.translations.find((t) => sameLanguage(t.value.target_language, language));
    if (translation === undefined) {
      if (row.phase === 'final' && row.committed !== '') {
        fill(element, 'waiting', h('p', { class: 'text pending', lang: 'en' }, dots(), 'translating'));
      } else fill(element, 'empty');
      return;
    }
    const { text, review, engine } = translation.value;
    const spoken = row.speech.find((s) => sameLanguage(s.value.language, language));
    const state = `translated-${translation.seq}-${spoken?.seq ?? ''}`;
    if (element.dataset.state === state) return;
    const mark = `machine translation${review === 'unreviewed' ? ', unreviewed' : ''}`;
    const find = (): UtteranceRow | undefined => utterance(this.row);
    const provenance = this.provenance(`translation into ${languageName(language)}`, () =>
      find()?.translations.find((t) => t.seq === translation.seq)?.value.provenance,
    );
    const note = h('div', { class: 'note', lang: 'en' }, h('span', { class: 'mt', title: `Engine: ${engine}` }, mark), provenance);
    const lost = translation.value.preservation?.findings ?? [];
    if (lost.length > 0) {
      const said = `check the original: ${lost.map(explain).join('; ')}. Not spoken aloud.`;
      note.prepend(h('span', { class: 'doubt', 'data-testid': 'not-preserved' }, said));
    }
    if (spoken !== undefined) {
      const seconds = (spoken.value.latency_ms / 1_000).toFixed(1);
      const title = `Spoken by ${spoken.value.voice}, first audio ${seconds} s after the speaker stopped`;
      note.append(h('span', { class: 'spoken', title }, icon('speaker'), h('span', { class: 'sr' }, 'spoken')));
      note.append(this.provenance('spoken translation', () => find()?.speech.find((s) => s.seq === spoken.seq)?.value.provenance));
    }
    fill(element, state, h('p', { class: 'text', 'data-testid': 'translation', 'data-lang': language }, text), note);
  }

  private provenance(what: string, get: Parameters<Sources['provenanceButton']>[1]): HTMLButtonElement {
    return this.sources.provenanceButton(what, get);
  }
}

function utterance(row: Row): UtteranceRow | undefined {
  return row.kind === 'utterance' ? row : undefined;
}

function fill(cell: HTMLElement, state: string, ...children: Node[]): void {
  if (cell.dataset.state === state) return;
  cell.dataset.state = state;
  cell.replaceChildren(...children);
}

function gap(before: string, after: string): string {
  return before === '' || after === '' || /\s$/.test(before) || /^[\s.,;:!?…]/.test(after) ? '' : ' ';
}

function dots(): HTMLElement {
  return h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
}
