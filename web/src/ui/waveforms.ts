/** The waveforms of a session, once there are any: a strip a channel, one pen for all. */
import type { MdcCode, SessionId } from '@events';
import { waveformsUrl } from '../net/api';
import { browserEnvironment, LiveSocket } from '../net/live-socket';
import { decodeWaveBlock, type WaveBlock } from '../net/wave-blocks';
import { Playhead } from '../state/playhead';
import type { Store } from '../state/store';
import { h, setAttribute, setText } from './dom';
import { onThemeChange } from './theme';
import { WaveStrip } from './wave-strip';

/** As many as the server admits. */
const MAX_STRIPS = 16;

export class Waveforms {
  readonly element: HTMLElement;
  private readonly strips = new Map<MdcCode, WaveStrip>();
  private readonly body = h('div', { class: 'wave-strips' });
  private readonly freeze = h('button', { type: 'button', class: 'button small', 'aria-pressed': 'false', 'data-testid': 'wave-freeze' }, 'Freeze');
  private readonly socket: LiveSocket;
  private readonly pen = new Playhead();
  private frozen = false;
  private running = false;
  private before = 0;

  constructor(session: SessionId, store: Store) {
    this.element = h(
      'section',
      { class: 'panel waves', 'aria-labelledby': 'waves-title', hidden: true },
      h('header', { class: 'panel-head' }, h('h2', { id: 'waves-title' }, 'Waveforms'), this.freeze),
      this.body,
    );
    this.freeze.addEventListener('click', () => { this.toggle(); });
    const listener = {
      // What comes first is what is there already: its numbers say nothing of what was lost on the way here.
      opened: () => { this.clear(); },
      message: (data: unknown) => { this.receive(data); },
      lost: () => undefined,
    };
    this.socket = new LiveSocket(listener, browserEnvironment(() => waveformsUrl(session)));
    let started = false;
    store.subscribe((state) => {
      if (state.ended !== undefined) this.socket.stop();
      else if (!started && state.started !== undefined) {
        started = true;
        this.socket.start();
      }
    });
    onThemeChange(() => { for (const strip of this.strips.values()) strip.redraw(); });
    setInterval(() => { this.tick(); }, 1_000);
  }

  private receive(data: unknown): void {
    const block = data instanceof ArrayBuffer ? decodeWaveBlock(data) : undefined;
    if (block === undefined) return;
    const now = performance.now();
    const strip = this.strips.get(block.channel);
    if (strip !== undefined) strip.push(block, now);
    else if (this.strips.size < MAX_STRIPS) this.add(block, now);
  }

  private add(block: WaveBlock, now: number): void {
    const strip = new WaveStrip(block, now);
    this.strips.set(block.channel, strip);
    this.body.append(strip.element);
    this.element.hidden = false;
    if (this.running) return;
    this.running = true;
    this.before = now;
    requestAnimationFrame(this.frame);
  }

  private clear(): void {
    this.strips.clear();
    this.body.replaceChildren();
  }

  private readonly frame = (now: number): void => {
    if (this.strips.size === 0) {
      this.running = false;
      return;
    }
    const newest = Math.max(...[...this.strips.values()].map((strip) => strip.newest));
    const pen = this.pen.advance((now - this.before) / 1_000, newest);
    this.before = now;
    if (!this.frozen) for (const strip of this.strips.values()) strip.draw(pen);
    requestAnimationFrame(this.frame);
  };

  private toggle(): void {
    this.frozen = !this.frozen;
    setAttribute(this.freeze, 'aria-pressed', String(this.frozen));
    setText(this.freeze, this.frozen ? 'Go on' : 'Freeze');
    if (!this.frozen) for (const strip of this.strips.values()) strip.redraw();
  }

  private tick(): void {
    const now = performance.now();
    for (const strip of this.strips.values()) strip.tick(now);
  }
}
