/** The controls of a call: sound, picture, hearing, captions, devices, invitations, leaving. */
import type { Call, CallState } from '../call/call';
import type { LocalState } from '../call/local-media';
import { DevicePicker } from './device-picker';
import { h, icon, setAttribute, setIcon, setText, type IconName } from './dom';
import { HearingMenu } from './hearing';
import { LevelMeter } from './level-meter';
import { Menu } from './menu';
import { loadHearing, saveHearing } from './preferences';
import { showSwitch } from './prejoin';
import type { Words } from './words';

export interface CallBarActions {
  overlay(on: boolean): void;
  focus(on: boolean): void;
}

export class CallBar {
  readonly element: HTMLElement;
  readonly invite: HTMLButtonElement;
  private readonly microphone: HTMLButtonElement;
  private readonly camera: HTMLButtonElement;
  private readonly hear: HTMLButtonElement;
  private readonly captions: HTMLButtonElement;
  private readonly enlarge: HTMLButtonElement;
  private readonly hearing: HearingMenu;
  private readonly level: LevelMeter;
  private overlayOn: boolean;
  private focused: boolean;

  constructor(
    private readonly call: Call,
    private readonly words: Words,
    private readonly actions: CallBarActions,
    start: { readonly overlay: boolean; readonly focus: boolean; readonly guest: boolean },
  ) {
    this.overlayOn = start.overlay;
    this.focused = start.focus;
    const { local } = call;
    const button = (name: IconName, label: string, testid: string, click: () => void = () => undefined): HTMLButtonElement =>
      h('button', { type: 'button', class: 'call-button', 'data-testid': testid, 'aria-label': label, title: label, on: { click } }, icon(name), h('span', { class: 'label' }, label));
    this.microphone = button('mic', words.microphone, 'mute-mic', () => { local.flipMicrophone(); });
    this.camera = button('camera-off', words.camera, 'camera', () => void local.setCameraOn(!local.state.cameraOn));
    this.hear = button('hear', words.hearing, 'hearing');
    this.captions = button('captions', words.captions, 'overlay-toggle', () => { this.setOverlay(!this.overlayOn); });
    const devices = button('settings', words.devices, 'devices');
    this.invite = button('invite', words.invite, 'invite');
    this.invite.hidden = start.guest;
    this.enlarge = button('expand', words.enlarge, 'focus', () => { this.setFocus(!this.focused); });
    this.enlarge.hidden = start.guest;
    this.enlarge.classList.add('wide-only');
    const leave = button('leave', words.leave, 'leave', () => { call.leave(); });
    leave.classList.add('leave');
    this.level = new LevelMeter(words.level);
    this.microphone.append(this.level.element);
    setAttribute(this.microphone, 'aria-keyshortcuts', 'M');
    setAttribute(this.camera, 'aria-keyshortcuts', 'V');
    this.hearing = new HearingMenu(loadHearing(), words, (preference) => {
      saveHearing(preference);
      call.setPreference(preference);
      this.showHearing();
    });
    new Menu(this.hear, words.hearing, this.hearing.element);
    new Menu(devices, words.devices, new DevicePicker(local, words, 'call').element);
    this.element = h('div', { class: 'call-bar', role: 'group', 'aria-label': words.controls }, this.microphone, this.camera, this.hear, this.captions, devices, this.invite, this.enlarge, leave);
    local.subscribe((state) => { this.showLocal(state); });
    this.setOverlay(this.overlayOn);
    this.setFocus(this.focused);
    this.showHearing();
    addEventListener('keydown', (event) => { this.key(event); });
  }

  show(state: CallState): void {
    this.hearing.show(state, this.call.language);
    this.showLocal(this.call.local.state);
  }

  private setOverlay(on: boolean): void {
    this.overlayOn = on;
    setAttribute(this.captions, 'aria-pressed', String(on));
    setAttribute(this.captions, 'title', on ? this.words.captionsOff : this.words.captionsOn);
    this.actions.overlay(on);
  }

  private setFocus(on: boolean): void {
    this.focused = on;
    setIcon(this.enlarge, on ? 'shrink' : 'expand');
    const label = on ? this.words.shrink : this.words.enlarge;
    setAttribute(this.enlarge, 'aria-label', label);
    setAttribute(this.enlarge, 'title', label);
    const short = this.enlarge.querySelector('.label');
    if (short !== null) setText(short, on ? this.words.shrinkShort : this.words.enlargeShort);
    this.actions.focus(on);
  }

  private showHearing(): void {
    const label = this.hear.querySelector('.label');
    if (label !== null) setText(label, this.hearing.label);
    setAttribute(this.hear, 'aria-label', `${this.words.hearing}: ${this.hearing.label}`);
  }

  private showLocal(state: LocalState): void {
    const { words } = this;
    const inCall = this.call.state.phase === 'in' || this.call.state.phase === 'joining';
    const on = state.microphoneOn && state.microphone !== undefined;
    showSwitch(this.microphone, on, ['mic', 'mic-off'], [`${words.mute} (M)`, `${words.unmute} (M)`]);
    showSwitch(this.camera, state.cameraOn, ['camera', 'camera-off'], [`${words.turnCameraOff} (V)`, `${words.turnCameraOn} (V)`]);
    this.level.follow(inCall && on ? state.microphone : undefined);
    const label = this.microphone.querySelector('.label');
    if (label !== null) setText(label, on ? words.microphoneShort : words.muted);
  }

  /** M and V, unless somebody is typing. */
  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || this.call.state.phase !== 'in') return;
    const at = event.target;
    if (at instanceof HTMLElement && at.matches('input:not([type=radio], [type=range]), textarea, select, [contenteditable]')) return;
    const { local } = this.call;
    if (event.key.toLowerCase() === 'm') local.flipMicrophone();
    else if (event.key.toLowerCase() === 'v') void local.setCameraOn(!local.state.cameraOn);
    else return;
    event.preventDefault();
  }
}
