/** The conversation: a row per utterance, a column per language. Scrolls along until the person scrolls up. */
import type { Language, UtteranceId } from '@events';
import type { Row, SessionState } from '../state/model';
import type { Store } from '../state/store';
import { CaptionRow } from './caption-row';
import { h, icon, replace, setText } from './dom';
import { languageName, sameLanguage } from './format';
import type { LanguageChips } from './language-chip';
import type { Sources } from './sources';
import type { Words } from './words';

/** Nearer to the end than this counts as being there. */
const NEAR_END_PX = 48;
/** How long after a wheel, touch or key a scroll is taken as the person's. */
const INTENT_MS = 400;

export class Captions {
  readonly element: HTMLElement;
  private readonly head = h('div', { class: 'columns-head' });
  private readonly list = h('ol', { class: 'rows' });
  private readonly scroller: HTMLElement;
  private readonly latest: HTMLButtonElement;
  private readonly empty: HTMLElement;
  private viewer: Language | undefined;
  private readonly rows = new Map<string, CaptionRow>();
  private languages: readonly Language[] = [];
  private follow = true;
  private unseen = 0;
  private intentAt = 0;
  private playing: UtteranceId | undefined;

  constructor(
    store: Store,
    private readonly sources: Sources,
    private readonly chips: LanguageChips,
    private readonly words: Words,
  ) {
    this.empty = h('p', { class: 'empty' }, words.nothingSaid);
    this.latest = h('button', { type: 'button', class: 'latest', hidden: true }, icon('down'), h('span'));
    this.scroller = h(
      'div',
      { class: 'scroller', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': words.log },
      this.head,
      this.list,
      this.empty,
    );
    this.element = h('div', { class: 'captions' }, this.scroller, this.latest);
    this.watchScrolling();
    sources.onPoint((target, move) => {
      const key = target?.place === 'conversation' ? target.key : undefined;
      for (const marked of this.list.querySelectorAll('.marked')) marked.classList.remove('marked');
      const row = key === undefined ? undefined : this.rows.get(key)?.element;
      row?.classList.add('marked');
      if (row === undefined || !move) return;
      this.setFollow(false);
      row.scrollIntoView({ block: 'center' });
    });
    store.subscribe((state, previous) => {
      this.render(state, previous);
    });
  }

  /** Which utterance's translation is being heard. */
  setPlaying(utterance: UtteranceId | undefined): void {
    if (this.playing !== undefined) this.rows.get(this.playing)?.setSpeaking(false);
    if (utterance !== undefined) this.rows.get(utterance)?.setSpeaking(true);
    this.playing = utterance;
  }

  setViewer(language: Language | undefined): void {
    if (language === this.viewer) return;
    this.viewer = language;
    for (const row of this.rows.values()) row.setViewer(language);
  }

  private render(state: SessionState, previous: SessionState): void {
    const languages = state.started?.value.languages ?? [];
    const restarted = state.head < previous.head || languages !== previous.started?.value.languages;
    if (restarted) this.clear(languages);
    if (state.participants !== previous.participants || restarted) this.renderHead(state);
    const before = restarted ? undefined : previous.rows;
    if (state.rows === before) return;
    let added = 0;
    const visit = (row: Row): void => {
      const known = this.rows.get(row.key);
      if (known !== undefined) {
        known.update(row);
        return;
      }
      added += 1;
      this.add(row, state);
    };
    if (before === undefined) for (const row of state.rows) visit(row);
    else state.rows.forEachChanged(before, visit);
    this.empty.hidden = state.rows.length > 0;
    this.settle(added);
  }

  private add(row: Row, state: SessionState): void {
    const fallback = state.participants.get(row.participant)?.language;
    const caption = new CaptionRow(row, this.languages, fallback, this.sources, this.words);
    caption.setViewer(this.viewer);
    this.rows.set(row.key, caption);
    this.list.append(caption.element);
    if (row.key === this.playing) caption.setSpeaking(true);
  }

  private clear(languages: readonly Language[]): void {
    this.languages = languages;
    this.rows.clear();
    this.list.replaceChildren();
    this.element.style.setProperty('--columns', String(Math.max(1, languages.length)));
    this.setFollow(true);
  }

  private renderHead(state: SessionState): void {
    const columns = this.languages.map((language, i) => {
      const speakers = [...state.participants]
        // Whose language is not known yet stands in the first.
        .filter(([, p]) => p.present && (sameLanguage(p.language, language) || (i === 0 && !this.languages.some((l) => sameLanguage(l, p.language)))))
        .map(([id]) => this.chips.named(id));
      return h('div', {}, h('strong', { lang: language }, languageName(language)), ...speakers);
    });
    replace(this.head, h('div'), ...columns);
  }

  private settle(added: number): void {
    if (this.follow) {
      this.toEnd();
      return;
    }
    this.unseen += added;
    this.showLatest();
  }

  private toEnd(): void {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  private setFollow(follow: boolean): void {
    this.follow = follow;
    if (follow) {
      this.unseen = 0;
      this.toEnd();
    }
    this.showLatest();
  }

  private showLatest(): void {
    this.latest.hidden = this.follow;
    const label = this.latest.querySelector('span');
    if (label !== null) setText(label, this.unseen > 0 ? this.words.fresh(this.unseen) : this.words.latest);
  }

  private watchScrolling(): void {
    const intend = (): void => {
      this.intentAt = performance.now();
    };
    for (const type of ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const) {
      this.scroller.addEventListener(type, intend, { passive: true });
    }
    this.scroller.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.scroller;
      const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
      // Rows off the screen are laid out late, which scrolls too: only a person's scrolling counts.
      const meant = performance.now() - this.intentAt < INTENT_MS || this.scroller.matches(':active');
      if (atEnd !== this.follow && (meant || atEnd)) this.setFollow(atEnd);
    });
    this.latest.addEventListener('click', () => {
      this.setFollow(true);
    });
    new ResizeObserver(() => {
      if (this.follow) this.toEnd();
    }).observe(this.list);
  }
}
