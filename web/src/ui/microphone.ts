/** Joining with the microphone: role, language, level, mute. */
import type { Language, SessionId } from '@events';
import { meter } from '../audio/meter';
import { Call, type CallStatus } from '../net/whip';
import type { Store } from '../state/store';
import { h, icon, replace, setAttribute, setIcon, setText } from './dom';
import { languageName } from './format';
import { loadRole, saveRole, type Role } from './preferences';

const METER_BARS = 12;

export class Microphone {
  readonly element: HTMLElement;
  private readonly roles = h('fieldset', { class: 'segmented' }, h('legend', { class: 'sr' }, 'I am the'));
  private readonly language = h('select', { 'aria-label': 'I speak', 'data-testid': 'my-language' });
  private readonly join: HTMLButtonElement;
  private readonly mute: HTMLButtonElement;
  private readonly level = h('div', { class: 'meter', role: 'meter', 'aria-label': 'Microphone level', 'aria-valuemin': '0', 'aria-valuemax': '100' });
  private readonly status = h('span', { class: 'call-status', role: 'status' });
  private readonly call: Call;
  private stopMeter: (() => void) | undefined;
  private phase: CallStatus['phase'] = 'idle';
  private muted = false;
  private ended = false;
  private languages: readonly Language[] = [];

  constructor(
    private readonly session: SessionId,
    store: Store,
  ) {
    this.call = new Call((status) => {
      this.show(status);
    });
    for (const role of ['clinician', 'patient'] as const) this.roles.append(this.roleOption(role));
    const toggle = (): void => {
      this.toggle();
    };
    const flip = (): void => {
      this.setMuted(!this.muted);
    };
    this.join = h('button', { type: 'button', class: 'button primary', 'data-testid': 'join-mic', on: { click: toggle } }, icon('mic'), h('span', {}, 'Join with microphone'));
    this.mute = h('button', { type: 'button', class: 'icon-button', 'data-testid': 'mute-mic', hidden: true, on: { click: flip } }, icon('mic'));
    this.level.append(...Array.from({ length: METER_BARS }, () => h('i')));
    this.element = h('div', { class: 'dock-group mic' }, this.roles, this.language, this.join, this.mute, this.level, this.status);
    this.setLanguages([]);
    this.show({ phase: 'idle' });
    addEventListener('pagehide', () => {
      this.call.leave();
    });
    store.subscribe((state, previous) => {
      if (state.started !== previous.started) this.setLanguages(state.started?.value.languages ?? []);
      if (state.ended !== previous.ended) this.setEnded(state.ended !== undefined);
    });
  }

  get role(): Role {
    return this.roles.querySelector<HTMLInputElement>('input:checked')?.value === 'patient' ? 'patient' : 'clinician';
  }

  get spokenLanguage(): Language {
    return this.language.value;
  }

  leave(): void {
    this.call.leave();
  }

  private roleOption(role: Role): HTMLElement {
    const change = (): void => {
      saveRole(role);
      this.pickLanguage();
    };
    const input = h('input', { type: 'radio', name: 'role', value: role, checked: loadRole() === role, on: { change } });
    return h('label', {}, input, h('span', {}, role === 'clinician' ? 'Clinician' : 'Patient'));
  }

  private setLanguages(languages: readonly Language[]): void {
    this.languages = languages;
    // Without its language a call could not be captioned.
    this.join.disabled = languages.length === 0;
    replace(this.language, ...languages.map((l) => h('option', { value: l }, languageName(l))));
    this.pickLanguage();
  }

  /** Sessions name the patient's language first. */
  private pickLanguage(): void {
    const pick = this.role === 'patient' ? this.languages[0] : (this.languages[1] ?? this.languages[0]);
    if (pick !== undefined && !this.inCall) this.language.value = pick;
  }

  private setEnded(ended: boolean): void {
    this.ended = ended;
    if (ended && this.inCall) this.call.leave();
    this.element.hidden = ended;
  }

  private get inCall(): boolean {
    return this.phase === 'asking' || this.phase === 'connecting' || this.phase === 'talking';
  }

  private toggle(): void {
    if (this.inCall) this.call.leave();
    else if (!this.ended) {
      const { session, role, spokenLanguage: language } = this;
      void this.call.join({ session, participant: role, language });
    }
  }

  private setMuted(muted: boolean): void {
    this.muted = muted;
    this.call.setMuted(muted);
    setIcon(this.mute, muted ? 'mic-off' : 'mic');
    setAttribute(this.mute, 'aria-pressed', String(muted));
    setAttribute(this.mute, 'aria-label', muted ? 'Unmute the microphone' : 'Mute the microphone');
    setAttribute(this.element, 'data-muted', muted);
  }

  private show(status: CallStatus): void {
    this.phase = status.phase;
    setAttribute(this.element, 'data-phase', status.phase);
    setText(this.status, statusText(status));
    setAttribute(this.status, 'data-phase', status.phase);
    const label = this.join.querySelector('span');
    if (label !== null) setText(label, this.inCall ? 'Leave' : status.phase === 'failed' ? 'Join again' : 'Join with microphone');
    this.join.classList.toggle('primary', !this.inCall);
    for (const input of this.roles.querySelectorAll('input')) input.disabled = this.inCall;
    this.language.disabled = this.inCall;
    this.mute.hidden = this.level.hidden = !this.inCall;
    if (this.inCall && this.stopMeter === undefined && this.call.microphone !== undefined) {
      this.setMuted(false);
      this.stopMeter = meter(this.call.microphone, (level) => {
        this.showLevel(level);
      });
    }
    if (!this.inCall) {
      this.stopMeter?.();
      this.stopMeter = undefined;
    }
  }

  private showLevel(level: number): void {
    const lit = this.muted ? 0 : Math.round(level * METER_BARS);
    if (this.level.dataset.lit === String(lit)) return;
    this.level.dataset.lit = String(lit);
    this.level.setAttribute('aria-valuenow', String(Math.round((lit / METER_BARS) * 100)));
    [...this.level.children].forEach((bar, i) => {
      bar.classList.toggle('on', i < lit);
    });
  }
}

function statusText(status: CallStatus): string {
  switch (status.phase) {
    case 'idle':
      return '';
    case 'asking':
      return 'Asking for the microphone';
    case 'connecting':
      return status.again ? 'Connecting again' : 'Connecting';
    case 'talking':
      return 'On air';
    case 'failed':
      return status.reason;
  }
}
