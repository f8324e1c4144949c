/** Reads what others say to people who use a screen reader, without flooding them. */
import type { ParticipantId } from '@events';
import { explainFindings } from '../state/findings';
import type { SessionState, UtteranceRow } from '../state/model';
import type { Store } from '../state/store';
import { h, setText } from './dom';
import { sameLanguage } from './format';
import { roleName, type Words } from './words';

/** A screen reader speaks about three words a second: what comes faster waits, or is left out. */
export const INTERVAL_MS = 2_500;
/** More than this waiting would still be read when the conversation is elsewhere. */
export const MAX_WAITING = 4;
/** What was said longer ago when the page learns of it is history. */
const FRESH_MS = 20_000;

/** Pure: what to say next, at most one text per interval. */
export class Announcements {
  private waiting: string[] = [];
  private saidAt = -Infinity;

  offer(text: string): void {
    this.waiting = [...this.waiting, text].slice(-MAX_WAITING);
  }

  take(nowMs: number): string | undefined {
    if (this.waiting.length === 0 || nowMs - this.saidAt < INTERVAL_MS) return undefined;
    this.saidAt = nowMs;
    const text = this.waiting.join(' ');
    this.waiting = [];
    return text;
  }
}

export interface Viewer {
  readonly participant: ParticipantId | undefined;
  readonly language: string | undefined;
}

export class Announcer {
  readonly element = h('div', { class: 'sr', 'aria-live': 'polite', 'data-testid': 'announcer' });
  private readonly announcements = new Announcements();
  private readonly said = new Set<string>();

  constructor(
    store: Store,
    private readonly viewer: () => Viewer,
    private readonly words: Words,
    private readonly now: () => number,
  ) {
    store.subscribe((state, previous) => {
      if (state.rows !== previous.rows) this.read(state, previous);
    });
    setInterval(() => { this.say(); }, 500);
  }

  private read(state: SessionState, previous: SessionState): void {
    const { participant, language } = this.viewer();
    state.rows.forEachChanged(previous.rows, (row) => {
      if (row.kind !== 'utterance' || row.participant === participant || this.said.has(row.key)) return;
      const text = inLanguage(row, language, this.words);
      if (text === undefined) return;
      this.said.add(row.key);
      if (this.said.size > 256) this.said.delete([...this.said][0] ?? '');
      if (this.now() - Date.parse(text.at) < FRESH_MS) this.announcements.offer(`${roleName(this.words, row.participant)}: ${text.text}`);
    });
    this.say();
  }

  private say(): void {
    const text = this.announcements.take(performance.now());
    if (text !== undefined) setText(this.element, text);
  }
}

/** What a finished utterance says in a language, with its warning; `undefined` while it is not known yet. */
export function inLanguage(row: UtteranceRow, language: string | undefined, words: Words): { text: string; at: string } | undefined {
  if (row.final === undefined || row.committed === '') return undefined;
  if (language === undefined || row.language === undefined || sameLanguage(row.language, language)) return { text: row.committed, at: row.final.at };
  const translation = row.translations.find((t) => sameLanguage(t.value.target_language, language));
  if (translation === undefined) return undefined;
  const findings = translation.value.preservation?.findings ?? [];
  const warning = findings.length === 0 ? '' : ` ${words.check} ${explainFindings(findings, words.finding)}.`;
  return { text: translation.value.text + warning, at: translation.at };
}
