/** One participant on the stage: their picture or initials, what they say, how they come through. */
import type { Remote } from '../call/call';
import type { Overlay } from '../state/overlay';
import type { SessionState } from '../state/model';
import { h, icon, setAttribute, setText } from './dom';
import type { LanguageChip, LanguageChips } from './language-chip';
import { OverlayView } from './overlay';
import type { Popover } from './popover';
import { QualityBadge } from './quality-badge';
import { initials, roleName, type Words } from './words';

export class Tile {
  readonly element: HTMLElement;
  readonly participant: string;
  private readonly video = h('video', { playsinline: true, 'aria-hidden': 'true' });
  private readonly placeholder: HTMLElement;
  private readonly muted: HTMLElement;
  private readonly status = h('span', { class: 'tile-status', role: 'status' });
  private readonly chip: LanguageChip;
  private readonly badge: QualityBadge;
  private readonly overlay: OverlayView;

  constructor(
    remote: Remote,
    private readonly words: Words,
    chips: LanguageChips,
    popover: Popover,
  ) {
    this.participant = remote.participant;
    const name = roleName(words, remote.participant);
    this.video.autoplay = true;
    // The loudspeaker plays the sound, as loud as the mix says.
    this.video.muted = true;
    this.video.addEventListener('resize', () => { this.fit(); });
    this.placeholder = h('div', { class: 'no-picture' }, h('span', { class: 'initials', 'aria-hidden': 'true' }, initials(name)));
    this.muted = h('span', { class: 'muted-mark', hidden: true, 'data-testid': 'muted-mark' }, icon('mic-off'), h('span', {}, words.muted));
    this.chip = chips.chip(remote.participant);
    this.badge = new QualityBadge(name, words, popover);
    this.overlay = new OverlayView(words);
    const plate = h('div', { class: 'plate' }, h('span', { class: 'name' }, name), this.muted, this.chip.element);
    this.element = h(
      'article',
      { class: 'tile', 'data-speaker': remote.participant, 'data-testid': 'tile', 'aria-label': name },
      this.video,
      this.placeholder,
      h('div', { class: 'tile-top' }, this.status, this.badge.element),
      h('div', { class: 'tile-bottom' }, this.overlay.element, plate),
    );
  }

  show(remote: Remote, state: SessionState): void {
    const { media, link, video } = remote;
    const shown = this.video.srcObject instanceof MediaStream ? this.video.srcObject.getVideoTracks()[0] : undefined;
    if (shown !== video) this.video.srcObject = video === undefined ? null : new MediaStream([video]);
    const picture = media.video === 'on' && link.phase !== 'failed';
    this.video.hidden = !picture;
    this.placeholder.hidden = picture;
    this.muted.hidden = media.audio === 'on';
    setAttribute(this.element, 'data-video', media.video);
    setAttribute(this.element, 'data-audio', media.audio);
    setText(this.status, this.statusOf(remote));
    this.chip.show(state, this.participant);
    this.badge.show(link, remote.quality);
  }

  showOverlay(overlay: Overlay, viewer: string | undefined): void {
    this.overlay.show(overlay, viewer);
  }

  setSpeaking(speaking: boolean): void {
    setAttribute(this.element, 'data-speaking', speaking);
  }

  remove(): void {
    this.video.srcObject = null;
    this.element.remove();
  }

  private statusOf({ link }: Remote): string {
    switch (link.phase) {
      case 'connecting':
        return link.again ? this.words.reconnecting : this.words.connectingTo(roleName(this.words, this.participant));
      case 'unsteady':
        return this.words.unsteady;
      case 'waiting':
        return link.attempt > 1 ? this.words.reconnecting : '';
      case 'failed':
        return this.words.refused(link.status);
      default:
        return '';
    }
  }

  /** A phone held upright is shown whole: what is cut off might be what the clinician needs to see. */
  private fit(): void {
    const { videoWidth: width, videoHeight: height } = this.video;
    setAttribute(this.element, 'data-fit', width >= height ? 'cover' : 'contain');
  }
}
