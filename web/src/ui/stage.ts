/** The picture of a call: everybody else large, oneself small and mirrored. */
import type { Call, CallState } from '../call/call';
import type { Speaking } from '../call/sound';
import { overlayFor } from '../state/overlay';
import { awaited } from '../state/presence';
import type { Store } from '../state/store';
import { h, icon, setAttribute, setText } from './dom';
import type { LanguageChips } from './language-chip';
import type { Popover } from './popover';
import { showSelf } from './prejoin';
import { QualityBadge } from './quality-badge';
import { Tile } from './tile';
import { initials, roleName, type Words } from './words';

/** Fading needs no event: the clock is looked at this often. */
const OVERLAY_MS = 500;

export class Stage {
  readonly element: HTMLElement;
  private readonly tiles = new Map<string, Tile>();
  private readonly grid = h('div', { class: 'tiles' });
  private readonly self: HTMLElement;
  private readonly selfVideo = h('video', { class: 'self', playsinline: true, 'aria-hidden': 'true' });
  private readonly selfPlaceholder = h('div', { class: 'no-picture' });
  private readonly selfBadge: QualityBadge;
  private readonly selfMuted = h('span', { class: 'muted-mark', hidden: true }, icon('mic-off'));
  private readonly waiting: HTMLElement;
  private readonly waitingFor = h('span');
  private readonly state = h('p', { class: 'stage-state', role: 'status', hidden: true });
  private readonly voice: HTMLElement;
  private readonly unblock: HTMLButtonElement;
  private overlayOn = true;

  constructor(
    private readonly call: Call,
    private readonly store: Store,
    private readonly chips: LanguageChips,
    private readonly popover: Popover,
    private readonly words: Words,
    private readonly now: () => number,
  ) {
    this.selfVideo.muted = true;
    this.selfVideo.autoplay = true;
    this.selfBadge = new QualityBadge(words.yourConnection, words, popover);
    this.self = h('div', { class: 'self-view' }, this.selfVideo, this.selfPlaceholder, h('span', { class: 'self-name' }, this.selfMuted, words.you), this.selfBadge.element);
    this.waiting = h('div', { class: 'alone' }, h('strong', {}, words.alone), this.waitingFor);
    this.voice = h('p', { class: 'voice-speaking speaking', hidden: true, 'data-testid': 'voice-speaking' }, h('i'), h('i'), h('i'), h('span', {}, words.voiceSpeaking));
    const click = (): void => { call.unblock(); };
    this.unblock = h('button', { type: 'button', class: 'button primary unblock', hidden: true, on: { click } }, icon('speaker'), words.clickToHear);
    this.element = h('div', { class: 'stage', 'data-testid': 'stage' }, this.grid, this.waiting, h('div', { class: 'stage-top' }, this.state, this.voice), this.unblock, this.self);
    call.subscribe((state) => { this.show(state); });
    call.local.subscribe(({ camera, microphone, microphoneOn }) => {
      showSelf(this.selfVideo, camera);
      this.selfPlaceholder.hidden = camera !== undefined;
      this.selfMuted.hidden = microphoneOn && microphone !== undefined;
    });
    store.subscribe((state, previous) => {
      if (state.rows !== previous.rows || state.participants !== previous.participants) this.showOverlays();
    });
    setInterval(() => { this.showOverlays(); }, OVERLAY_MS);
  }

  setOverlay(on: boolean): void {
    this.overlayOn = on;
    setAttribute(this.element, 'data-overlay', on ? 'on' : 'off');
    this.showOverlays();
  }

  setSpeaking({ people, voice }: Speaking): void {
    for (const [id, tile] of this.tiles) tile.setSpeaking(people.has(id));
    this.voice.hidden = !voice;
  }

  private show(state: CallState): void {
    const wanted = new Map(state.remotes.map((r) => [r.participant, r]));
    for (const [id, tile] of this.tiles) {
      if (wanted.has(id)) continue;
      tile.remove();
      this.tiles.delete(id);
    }
    for (const [id, remote] of wanted) {
      let tile = this.tiles.get(id);
      if (tile === undefined) {
        tile = new Tile(remote, this.words, this.chips, this.popover);
        this.tiles.set(id, tile);
        this.grid.append(tile.element);
      }
      tile.show(remote, this.store.state);
    }
    setAttribute(this.grid, 'data-count', Math.min(this.tiles.size, 5));
    this.waiting.hidden = this.tiles.size > 0 || state.phase !== 'in';
    const invited = awaited(this.store.state, this.now()).filter((id) => id !== state.me?.participant);
    setText(this.waitingFor, invited.length === 0 ? this.words.aloneHint : this.words.invitedHint(invited.map((id) => roleName(this.words, id)).join(', ')));
    this.unblock.hidden = !state.blocked;
    this.selfBadge.show(state.link, state.sending);
    if (state.me !== undefined) {
      setText(this.selfPlaceholder, initials(roleName(this.words, state.me.participant)));
      setAttribute(this.self, 'data-speaker', state.me.participant);
    }
    const text = this.stateText(state);
    setText(this.state, text);
    this.state.hidden = text === '';
  }

  private stateText({ phase, link, soundOnly }: CallState): string {
    if (phase === 'joining') return this.words.joining;
    if (link.phase === 'waiting' || link.phase === 'connecting') return this.words.reconnecting;
    if (link.phase === 'unsteady') return this.words.unsteady;
    return soundOnly ? this.words.soundOnly : '';
  }

  private showOverlays(): void {
    if (this.tiles.size === 0 || !this.overlayOn) return;
    const viewer = this.call.language;
    const now = this.now();
    for (const [id, tile] of this.tiles) tile.showOverlay(overlayFor(this.store.state, id, viewer, now), viewer);
  }
}
