/** Before a call: how one looks and sounds, as whom and in which language one joins. Nothing is sent yet. */
import type { Language, ParticipantId } from '@events';
import type { LocalMedia, LocalState } from '../call/local-media';
import type { Identity } from '../call/peers';
import { wakeLevels } from '../audio/levels';
import { DevicePicker } from './device-picker';
import { h, icon, replace, setAttribute, setIcon, setText } from './dom';
import { languageName, sameLanguage } from './format';
import { loadRole, saveRole, type Role } from './preferences';
import { initials, roleName, type Words } from './words';

const ROLES: readonly Role[] = ['clinician', 'patient'];

export class PreJoin {
  readonly element: HTMLElement;
  private readonly video = h('video', { class: 'self', playsinline: true, 'aria-hidden': 'true' });
  private readonly placeholder = h('div', { class: 'no-picture' }, h('span', { class: 'initials', 'aria-hidden': 'true' }), h('span', { class: 'why' }));
  private readonly microphone: HTMLButtonElement;
  private readonly camera: HTMLButtonElement;
  private readonly roles: HTMLFieldSetElement;
  private readonly language = h('select', { id: 'my-language', class: 'field', 'data-testid': 'my-language' });
  private readonly join: HTMLButtonElement;
  private readonly status = h('p', { class: 'error', role: 'alert' });
  private languages: readonly Language[] = [];
  private fixed: Identity | undefined;

  constructor(
    private readonly local: LocalMedia,
    private readonly words: Words,
    private readonly onJoin: (me: Identity) => void,
    /** Another role or language was chosen. */
    private readonly onIdentity: () => void = () => undefined,
  ) {
    this.video.muted = true;
    this.video.autoplay = true;
    const flipMicrophone = (): void => { local.flipMicrophone(); };
    const flipCamera = (): void => void local.setCameraOn(!local.state.cameraOn);
    this.microphone = h('button', { type: 'button', class: 'round', 'data-testid': 'prejoin-mute', on: { click: flipMicrophone } }, icon('mic'));
    this.camera = h('button', { type: 'button', class: 'round', 'data-testid': 'prejoin-camera', on: { click: flipCamera } }, icon('camera-off'));
    this.roles = h('fieldset', { class: 'segmented' }, h('legend', { class: 'sr' }, words.iAm), ...ROLES.map((role) => this.roleOption(role)));
    this.join = h('button', { type: 'submit', class: 'button primary wide', 'data-testid': 'join-now' }, h('span', {}, words.joinNow));
    this.language.addEventListener('change', () => { this.onIdentity(); });
    const submit = (event: Event): void => {
      event.preventDefault();
      wakeLevels();
      this.onJoin(this.identity);
    };
    const preview = h('div', { class: 'preview' }, this.video, this.placeholder, h('div', { class: 'preview-buttons' }, this.microphone, this.camera));
    const form = h(
      'form',
      { class: 'prejoin-form', on: { submit } },
      h('div', { class: 'who-line' }, this.roles, h('div', { class: 'form-field' }, h('label', { for: 'my-language' }, words.iSpeak), this.language)),
      new DevicePicker(local, words, 'prejoin').element,
      this.status,
      this.join,
    );
    this.element = h('div', { class: 'prejoin' }, h('div', { class: 'mirror' }, preview, h('p', { class: 'fine' }, words.consent)), form);
    local.subscribe((state) => { this.show(state); });
    this.nameSelf();
    this.setLanguages([]);
  }

  /** As whom the person joins, and would type. */
  get identity(): Identity {
    return { participant: this.fixed?.participant ?? this.role, language: this.language.value };
  }

  /** The role and language of an invitation; the language may still be corrected. */
  fix(me: Identity): void {
    this.fixed = me;
    this.roles.hidden = true;
    this.nameSelf();
    this.fillLanguages();
  }

  setLanguages(languages: readonly Language[]): void {
    this.languages = languages;
    // Without its language a call could not be captioned.
    this.join.disabled = languages.length === 0;
    this.fillLanguages();
  }

  setStatus(text: string): void {
    setText(this.status, text);
  }

  /** Asks for the microphone; the camera stays off until the person turns it on. */
  async open(): Promise<void> {
    await this.local.openMicrophone();
  }

  private get role(): ParticipantId {
    return this.roles.querySelector<HTMLInputElement>('input:checked')?.value ?? 'clinician';
  }

  private roleOption(role: Role): HTMLElement {
    const change = (): void => {
      saveRole(role);
      this.pickLanguage();
      this.nameSelf();
      this.onIdentity();
    };
    const input = h('input', { type: 'radio', name: 'role', value: role, checked: loadRole() === role, on: { change } });
    return h('label', {}, input, h('span', {}, roleName(this.words, role)));
  }

  private fillLanguages(): void {
    const options = this.languages.map((l) => h('option', { value: l }, languageName(l)));
    replace(this.language, ...options, h('option', { value: 'und' }, this.words.findOut));
    this.pickLanguage();
    this.onIdentity();
  }

  /** Sessions name the patient's language first. */
  private pickLanguage(): void {
    const invited = this.fixed?.language;
    const named = invited === undefined ? undefined : this.languages.find((l) => sameLanguage(l, invited));
    const byRole = this.role === 'patient' ? this.languages[0] : (this.languages[1] ?? this.languages[0]);
    this.language.value = named ?? (invited === 'und' ? 'und' : (byRole ?? 'und'));
  }

  private nameSelf(): void {
    const [letters] = this.placeholder.children;
    if (letters !== undefined) setText(letters, initials(roleName(this.words, this.identity.participant)));
    setAttribute(this.placeholder, 'data-speaker', this.identity.participant);
  }

  private show(state: LocalState): void {
    const { words } = this;
    showSelf(this.video, state.camera);
    this.placeholder.hidden = state.camera !== undefined;
    const why = this.placeholder.lastElementChild;
    if (why !== null) setText(why, state.trouble.videoinput === undefined ? words.cameraOff : words.trouble(state.trouble.videoinput));
    showSwitch(this.microphone, state.microphoneOn && state.microphone !== undefined, ['mic', 'mic-off'], [words.mute, words.unmute]);
    showSwitch(this.camera, state.cameraOn, ['camera', 'camera-off'], [words.turnCameraOff, words.turnCameraOn]);
    const label = this.join.querySelector('span');
    if (label !== null) setText(label, state.microphone === undefined && state.trouble.audioinput !== undefined ? words.joinSilent : words.joinNow);
  }
}

/** One's own picture, or nothing of it. */
export function showSelf(video: HTMLVideoElement, track: MediaStreamTrack | undefined): void {
  const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined;
  if (shown !== track) video.srcObject = track === undefined ? null : new MediaStream([track]);
  video.hidden = track === undefined;
}

type Names = readonly [on: Parameters<typeof icon>[0], off: Parameters<typeof icon>[0]];

/** A button that says what a press does, and shows how it stands. */
export function showSwitch(button: HTMLButtonElement, on: boolean, icons: Names, labels: readonly [on: string, off: string]): void {
  setIcon(button, on ? icons[0] : icons[1]);
  const label = on ? labels[0] : labels[1];
  setAttribute(button, 'aria-label', label);
  setAttribute(button, 'title', label);
  setAttribute(button, 'data-off', !on);
}
