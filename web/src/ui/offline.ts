/** Says that the page is out of date while there is no connection: old values must not pass for current ones. */
import type { ConnectionStatus } from '../net/connection';
import { h, replace } from './dom';
import { clockTime } from './format';
import type { Words } from './words';

/** A drop that heals sooner is not worth a line that comes and goes. */
export const OFFLINE_AFTER_MS = 2_000;

export class Offline {
  readonly element = h('div', { class: 'offline', role: 'status', 'data-testid': 'offline', hidden: true });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wasLive = false;

  constructor(
    private readonly onChange: (offline: boolean) => void,
    private readonly now: () => number,
    private readonly words: Words,
    private readonly guest = false,
  ) {}

  setStatus(status: ConnectionStatus): void {
    if (status.phase === 'connecting' || status.phase === 'waiting') {
      if (this.timer === undefined) this.expect(this.wasLive ? this.now() : undefined);
      return;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    if (status.phase === 'gone') {
      // The list of sessions is no place for somebody who was invited to one.
      if (this.guest) this.show(this.words.noSession);
      else this.show(`${status.reason} `, h('a', { class: 'link', href: '/' }, this.words.allSessions));
      return;
    }
    this.wasLive = true;
    this.element.hidden = true;
    this.onChange(false);
  }

  private expect(lostAt: number | undefined): void {
    const text =
      lostAt === undefined
        ? this.words.noAnswer
        : this.words.noConnectionSince(clockTime(lostAt));
    this.timer = setTimeout(() => {
      this.show(text);
    }, OFFLINE_AFTER_MS);
  }

  private show(...content: (string | Node)[]): void {
    replace(this.element, ...content);
    this.element.hidden = false;
    this.onChange(true);
  }
}
