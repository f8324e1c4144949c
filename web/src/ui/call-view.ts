/** The call within a consultation: who is in it, joining, the stage and its controls. */
import type { SessionId } from '@events';
import { Call, type CallState, type Failure } from '../call/call';
import { LocalMedia } from '../call/local-media';
import type { Identity } from '../call/peers';
import { serverNow } from '../net/api';
import type { Connection } from '../net/connection';
import type { Store } from '../state/store';
import { CallBar } from './call-bar';
import { h, icon, setAttribute, setText } from './dom';
import { Invite } from './invite';
import type { LanguageChips } from './language-chip';
import { Menu } from './menu';
import type { Notices } from './notices';
import type { Popover } from './popover';
import { loadDevices, loadHearing, loadOverlay, saveDevices, saveOverlay } from './preferences';
import { PreJoin } from './prejoin';
import { Stage } from './stage';
import { keepAwake } from './wake';
import { roleName, type Words } from './words';

export interface CallContext {
  readonly session: SessionId;
  readonly store: Store;
  readonly connection: Connection;
  readonly popover: Popover;
  readonly notices: Notices;
  readonly chips: LanguageChips;
  readonly words: Words;
  /** Came by an invitation: as whom, and with the devices chosen before. */
  readonly guest?: { readonly me: Identity; readonly local: LocalMedia };
  /** Somebody joined or left, or another role or language was chosen. */
  onChange(): void;
  onFocus(on: boolean): void;
}

export function localMedia(): LocalMedia {
  return new LocalMedia(loadDevices(), () => undefined, saveDevices);
}

export class CallView {
  readonly element: HTMLElement;
  readonly call: Call;
  private readonly preJoin: PreJoin;
  private readonly dialog: HTMLDialogElement;
  private readonly people = h('p', { class: 'call-people', role: 'status' });
  private readonly join: HTMLButtonElement;
  private readonly strip: HTMLElement;
  private readonly live: HTMLElement;
  private readonly release: (held: boolean) => void = keepAwake();
  private was: CallState['phase'] = 'out';
  private wasIn = false;

  constructor(private readonly context: CallContext) {
    const { session, store, connection, popover, chips, words, guest } = context;
    const local = guest?.local ?? localMedia();
    local.tell((trouble) => { context.notices.say(words.trouble(trouble)); });
    this.call = new Call(session, store, connection, local, loadHearing(), (speaking) => { stage.setSpeaking(speaking); });
    this.preJoin = new PreJoin(local, words, (me) => { this.joinAs(me); }, () => { context.onChange(); });
    if (guest !== undefined) this.preJoin.fix(guest.me);
    const stage = new Stage(this.call, store, chips, popover, words, serverNow);
    const overlay = (on: boolean): void => {
      saveOverlay(on);
      stage.setOverlay(on);
    };
    const start = { overlay: loadOverlay(), focus: guest !== undefined, guest: guest !== undefined };
    const bar = new CallBar(this.call, words, { overlay, focus: (on) => { context.onFocus(on); } }, start);
    const invite = new Invite(session, store, words);
    const inviteHere = h('button', { type: 'button', class: 'button', 'data-testid': 'invite-strip', hidden: guest !== undefined }, icon('invite'), words.invite);
    const prepare = (): void => { invite.prepare(); };
    const shared = new Menu(bar.invite, words.invite, invite.element, prepare);
    shared.alsoFrom(inviteHere);
    this.dialog = this.preJoinDialog(local);
    const open = (): void => { this.open(); };
    this.join = h('button', { type: 'button', class: 'button primary', 'data-testid': 'join-call', disabled: true, on: { click: open } }, icon('camera'), h('span', {}, words.join));
    this.strip = h('div', { class: 'call-strip' }, this.people, inviteHere, this.join);
    this.live = h('div', { class: 'call-live', hidden: true }, stage.element, bar.element);
    this.element = h('section', { class: 'panel call', tabindex: '-1', 'aria-label': words.call }, this.strip, this.live, this.dialog);
    this.call.subscribe((state) => {
      bar.show(state);
      this.show(state);
    });
    store.subscribe((state, previous) => {
      if (state.started !== previous.started) this.preJoin.setLanguages(state.started?.value.languages ?? []);
      if (state.started !== previous.started || state.ended !== previous.ended || state.media !== previous.media || state.participants !== previous.participants) this.showStrip();
    });
  }

  /** As whom the person takes part, or would. */
  get identity(): Identity {
    return this.call.state.me ?? this.preJoin.identity;
  }

  joinAs(me: Identity): void {
    if (this.dialog.open) this.dialog.close('joined');
    this.call.join(me);
  }

  private open(): void {
    this.preJoin.setStatus('');
    this.dialog.showModal();
    void this.preJoin.open();
  }

  private preJoinDialog(local: LocalMedia): HTMLDialogElement {
    const { words } = this.context;
    const close = (): void => { dialog.close(); };
    const dialog = h(
      'dialog',
      { class: 'prejoin-dialog', 'aria-labelledby': 'prejoin-title' },
      h('div', { class: 'dialog-head' }, h('h2', { id: 'prejoin-title' }, words.joinTitle), h('button', { type: 'button', class: 'icon-button', 'aria-label': words.close, on: { click: close } }, icon('close'))),
      this.preJoin.element,
    );
    // Whoever does not join is not listened to.
    dialog.addEventListener('close', () => {
      if (dialog.returnValue !== 'joined') local.close();
      dialog.returnValue = '';
    });
    return dialog;
  }

  private show(state: CallState): void {
    const inCall = state.phase === 'in' || state.phase === 'joining';
    this.strip.hidden = inCall;
    this.live.hidden = !inCall;
    setAttribute(this.element, 'data-phase', state.phase);
    this.wasIn ||= state.phase === 'in';
    this.showStrip();
    if (state.phase === this.was) return;
    const before = this.was;
    this.was = state.phase;
    this.release(inCall);
    // The button last pressed has gone from sight. Not on to a switch: a key held down too long would press it.
    if (before !== 'out' && !inCall) this.join.focus();
    if (inCall && (before === 'out' || before === 'failed')) this.element.focus({ preventScroll: true });
    this.context.onChange();
  }

  private showStrip(): void {
    const { words, store } = this.context;
    const { phase, failure } = this.call.state;
    const { media, started, ended } = store.state;
    const appears = this.element.hidden && ended === undefined && started !== undefined;
    this.element.hidden = ended !== undefined || started === undefined;
    if (appears && (phase === 'joining' || phase === 'in')) this.element.focus({ preventScroll: true });
    // A dialog that cannot be seen would keep the whole page from being used.
    if (this.element.hidden && this.dialog.open) this.dialog.close();
    this.join.disabled = started === undefined;
    const label = this.join.querySelector('span');
    if (label !== null) setText(label, this.wasIn || phase === 'failed' ? words.rejoin : words.join);
    const names = [...media.keys()].map((id) => roleName(words, id));
    const who = names.length === 0 ? words.notJoined : words.inCall(names.join(', '));
    setAttribute(this.people, 'data-failed', phase === 'failed');
    setText(this.people, phase === 'failed' ? failed(words, failure) : this.wasIn && phase === 'out' ? `${words.left} ${who}` : who);
  }
}

function failed(words: Words, failure: Failure | undefined): string {
  if (failure === undefined) return words.callFailed;
  return failure.kind === 'elsewhere' ? words.elsewhere : words.refused(failure.status);
}
