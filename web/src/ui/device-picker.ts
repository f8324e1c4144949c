/** Choosing microphone, camera and loudspeaker, before and during a call. */
import { chime } from '../audio/chime';
import { ofKind, pick, type Kind } from '../call/devices';
import type { LocalMedia, LocalState } from '../call/local-media';
import { canChooseSpeaker } from '../call/loudspeaker';
import { h, replace, setText } from './dom';
import { LevelMeter } from './level-meter';
import type { Words } from './words';

export class DevicePicker {
  readonly element: HTMLElement;
  private readonly selects: Readonly<Record<Kind, HTMLSelectElement>>;
  private readonly level: LevelMeter;
  private readonly trouble = h('p', { class: 'error', role: 'alert' });
  private shown = '';

  constructor(
    local: LocalMedia,
    private readonly words: Words,
    prefix: string,
  ) {
    const select = (kind: Kind, testid: string): HTMLSelectElement => {
      const change = (event: Event): void => {
        void local.choose(kind, (event.currentTarget as HTMLSelectElement).value);
      };
      return h('select', { id: `${prefix}-${kind}`, class: 'field', 'data-testid': testid, on: { change } });
    };
    this.selects = { audioinput: select('audioinput', 'pick-microphone'), videoinput: select('videoinput', 'pick-camera'), audiooutput: select('audiooutput', 'pick-speaker') };
    this.level = new LevelMeter(words.level);
    const row = (kind: Kind, label: string, ...more: HTMLElement[]): HTMLElement =>
      h('div', { class: 'form-field' }, h('label', { for: `${prefix}-${kind}` }, label), h('div', { class: 'device-line' }, this.selects[kind], ...more));
    const test = (): void => void chime(local.state.choice.audiooutput ?? '');
    const testButton = h('button', { type: 'button', class: 'button', on: { click: test } }, words.testSpeaker);
    this.element = h(
      'div',
      { class: 'device-picker' },
      row('audioinput', words.microphone),
      this.level.element,
      row('videoinput', words.camera),
      canChooseSpeaker() && row('audiooutput', words.speaker, testButton),
      this.trouble,
    );
    local.subscribe((state) => { this.show(state); });
  }

  private show(state: LocalState): void {
    this.level.follow(state.microphone);
    setText(this.trouble, Object.values(state.trouble).map((t) => this.words.trouble(t)).join(' '));
    const shown = JSON.stringify([state.devices, state.choice, used(state.microphone), used(state.camera)]);
    if (shown === this.shown) return;
    this.shown = shown;
    for (const kind of ['audioinput', 'videoinput', 'audiooutput'] as const) this.fill(kind, state);
  }

  private fill(kind: Kind, state: LocalState): void {
    const devices = ofKind(state.devices, kind);
    const select = this.selects[kind];
    // Browsers name devices only once the person has allowed them.
    const label = (name: string, i: number): string => (name === '' ? `${select.labels[0]?.textContent ?? ''} ${i + 1}` : name);
    const options = devices.map((d, i) => h('option', { value: d.id }, label(d.label, i)));
    if (options.length === 0) options.push(h('option', { value: '' }, kind === 'audiooutput' ? this.words.systemDefault : this.words.noDevice));
    select.disabled = devices.length === 0;
    replace(select, ...options);
    const track = kind === 'audioinput' ? state.microphone : kind === 'videoinput' ? state.camera : undefined;
    const current = devices.find((d) => d.id === used(track)) ?? pick(devices, kind, state.choice[kind]);
    if (current !== undefined) select.value = current.id;
  }
}

function used(track: MediaStreamTrack | undefined): string | undefined {
  return track?.getSettings().deviceId;
}
