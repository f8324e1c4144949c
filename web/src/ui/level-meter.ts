/** Bars that show how loud the microphone is. */
import { meter } from '../audio/levels';
import { h, setAttribute } from './dom';

const BARS = 14;

export class LevelMeter {
  readonly element: HTMLElement;
  private track: MediaStreamTrack | undefined;
  private stop: (() => void) | undefined;

  constructor(label: string) {
    this.element = h('div', { class: 'meter', role: 'meter', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' });
    this.element.append(...Array.from({ length: BARS }, () => h('i')));
  }

  follow(track: MediaStreamTrack | undefined): void {
    if (track === this.track) return;
    this.stop?.();
    this.track = track;
    this.stop = track === undefined ? undefined : meter(track, (level) => { this.show(level); });
  }

  private show(level: number): void {
    const lit = Math.round(level * BARS);
    if (this.element.dataset.lit === String(lit)) return;
    this.element.dataset.lit = String(lit);
    setAttribute(this.element, 'aria-valuenow', Math.round((lit / BARS) * 100));
    [...this.element.children].forEach((bar, i) => {
      bar.classList.toggle('on', i < lit);
    });
  }
}
