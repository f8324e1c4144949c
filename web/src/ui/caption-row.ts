/** One utterance or chat message: a cell per language of the session. Updates in place. */
import type { CaptionWord, Language, PreservationFinding, SpeechSkipReason } from '@events';
import { pieces } from '../state/findings';
import type { ChatRow, Row, Spoken, UtteranceRow } from '../state/model';
import { h, icon, setAttribute, setText } from './dom';
import { flagLine, marked } from './flag';
import { clockTime, languageName, sameLanguage } from './format';
import { spaced } from './overlay';
import type { Sources } from './sources';
import { roleName, type Words } from './words';

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
    private readonly words: Words,
  ) {
    this.row = row;
    this.cells = languages.map((language) => ({
      language,
      element: h('div', { class: 'cell', lang: language, 'data-column': language }),
    }));
    const meta = h(
      'div',
      { class: 'meta' },
      h('span', { class: 'speaker' }, roleName(words, row.participant)),
      h('time', { datetime: row.at, title: words.eventTitle(row.seq) }, clockTime(row.at)),
      row.kind === 'chat' && h('span', { class: 'typed' }, words.typed),
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

  /** The reader's own language is what they read first. */
  setViewer(language: Language | undefined): void {
    for (const cell of this.cells) setAttribute(cell.element, 'data-mine', language !== undefined && sameLanguage(cell.language, language));
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
      else fill(element, 'none', h('p', { class: 'text pending' }, this.words.notTranslated));
      if (element !== own) element.lang = this.words.tag;
    }
  }

  private updateUtterance(row: UtteranceRow): void {
    const language = row.language ?? this.fallbackLanguage;
    const reason = row.dropped === undefined || row.dropped === 'no_speech' ? undefined : this.words.dropped[row.dropped];
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
      fill(cell, 'dropped', h('p', { class: 'text pending', lang: this.words.tag }, reason));
      return;
    }
    if (row.phase === 'speaking') {
      fill(cell, 'speaking', h('p', { class: 'text pending', lang: this.words.tag }, dots(), row.ended ? this.words.transcribing : this.words.speaking));
      return;
    }
    // Partials change several times a second: only text nodes are touched then.
    const differs = row.translations.flatMap((t) => t.value.preservation?.findings ?? []);
    const state = row.phase === 'final' ? (differs.length > 0 ? 'original-flagged' : 'original') : 'partial';
    if (cell.dataset.state !== state) this.buildOriginal(cell, state, row, differs);
    // Words within it are marked once and for all.
    if (row.phase === 'final') return;
    const [committed, tentative] = cell.querySelectorAll('.text > span');
    if (committed !== undefined) setText(committed, row.committed);
    if (tentative !== undefined) setText(tentative, spaced(row.committed, row.tentative));
  }

  private buildOriginal(cell: HTMLElement, state: string, row: UtteranceRow, differs: readonly PreservationFinding[]): void {
    const isFinal = row.phase === 'final';
    const committed = h('span', { class: 'committed' });
    if (differs.length > 0) committed.append(...marked(row.committed, differs, 'source'));
    else if (isFinal) committed.append(...doubted(row.committed, row.final?.words ?? [], this.words.unsure));
    const text = h('p', { class: 'text' }, committed);
    if (!isFinal) text.append(h('span', { class: 'tentative' }));
    const low = row.final !== undefined && row.final.confidence < LOW_CONFIDENCE;
    const note = h('div', { class: 'note', lang: this.words.tag });
    if (low) note.append(h('span', { class: 'doubt' }, this.words.lowConfidence));
    if (isFinal) note.append(this.provenance(this.words.made.caption, () => utterance(this.row)?.provenance));
    fill(cell, state, text, note);
  }

  private updateTranslation({ language, element }: Cell, row: UtteranceRow): void {
    const translation = row.translations.find((t) => sameLanguage(t.value.target_language, language));
    if (translation === undefined) {
      this.updateDraft(element, language, row);
      return;
    }
    const { text, preservation } = translation.value;
    const findings = preservation?.findings ?? [];
    const spoken = row.speech.find((s) => sameLanguage(s.value.language, language));
    const skipped = row.skipped.find((s) => sameLanguage(s.value.language, language))?.value.reason;
    const state = `translated-${translation.seq}-${spoken?.seq ?? ''}${spoken?.completed?.interrupted === true ? 'cut' : ''}-${skipped ?? ''}`;
    if (element.dataset.state === state) return;
    const paragraph = h('p', { class: 'text', 'data-testid': 'translation', 'data-lang': language }, ...marked(text, findings, 'target'));
    const flag = findings.length > 0 ? [flagLine(this.words.checkWith, findings, this.words.finding, skipped)] : [];
    setAttribute(element, 'data-flagged', findings.length > 0);
    fill(element, state, paragraph, ...flag, this.translationNote(language, translation, spoken, flag.length > 0 ? undefined : skipped));
  }

  /** Of what is still being said, or nothing yet. */
  private updateDraft(element: HTMLElement, language: Language, row: UtteranceRow): void {
    const draft = row.drafts.find((t) => sameLanguage(t.value.target_language, language));
    if (draft !== undefined) {
      if (element.dataset.state !== 'draft') fill(element, 'draft', h('p', { class: 'text', 'data-testid': 'draft' }, h('span'), dots()));
      const text = element.querySelector('.text > span');
      if (text !== null) setText(text, draft.value.text);
      return;
    }
    if (row.phase === 'final' && row.committed !== '') {
      fill(element, 'waiting', h('p', { class: 'text pending', lang: this.words.tag }, dots(), this.words.translating));
    } else fill(element, 'empty');
  }

  private translationNote(language: Language, translation: Translation, spoken: Spoken | undefined, skipped: SpeechSkipReason | undefined): HTMLElement {
    const { review, engine } = translation.value;
    const reviewed = review === 'reviewed';
    const { byMachine, byMachineTitle, interrupted } = this.words;
    const find = (): UtteranceRow | undefined => utterance(this.row);
    const provenance = this.provenance(this.words.made.translation(languageName(language)), () =>
      find()?.translations.find((t) => t.seq === translation.seq)?.value.provenance,
    );
    const note = h('div', { class: 'note', lang: this.words.tag }, h('span', { class: 'mt', title: byMachineTitle(engine, reviewed) }, byMachine(engine, reviewed)), provenance);
    if (spoken !== undefined) {
      const seconds = (spoken.value.latency_ms / 1_000).toFixed(1);
      const cut = spoken.completed?.interrupted === true;
      const title = this.words.spokenBy(spoken.value.voice, seconds, cut);
      note.append(h('span', { class: 'spoken', title }, icon('speaker'), h('span', { class: 'sr' }, this.words.spoken)));
      if (cut) note.append(h('span', { class: 'mt' }, interrupted));
      note.append(this.provenance(this.words.made.speech, () => find()?.speech.find((s) => s.seq === spoken.seq)?.value.provenance));
    }
    if (skipped !== undefined) note.append(h('span', { class: 'spoken quiet' }, icon('speaker-off')), h('span', { class: 'mt' }, this.words.skipped[skipped]));
    return note;
  }

  private provenance(what: string, get: Parameters<Sources['provenanceButton']>[1]): HTMLButtonElement {
    return this.sources.provenanceButton(what, get);
  }
}

type Translation = UtteranceRow['translations'][number];

/** Words the recogniser was unsure of, where it says so of each. */
function doubted(text: string, words: readonly CaptionWord[], title: string): Node[] {
  const unsure = words.filter((w) => w.probability < LOW_CONFIDENCE).map((w) => w.text.replaceAll(/^[\s\p{P}]+|[\s\p{P}]+$/gu, ''));
  // A short word may stand in a text twice: only the long ones are certain to be found where they were said.
  const found = pieces(text, unsure.filter((w) => w.length > 3));
  return found.map((p) => (p.marked ? h('span', { class: 'unsure', title }, p.text) : document.createTextNode(p.text)));
}

function utterance(row: Row): UtteranceRow | undefined {
  return row.kind === 'utterance' ? row : undefined;
}

function fill(cell: HTMLElement, state: string, ...children: Node[]): void {
  if (cell.dataset.state === state) return;
  cell.dataset.state = state;
  cell.replaceChildren(...children);
}

function dots(): HTMLElement {
  return h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
}
