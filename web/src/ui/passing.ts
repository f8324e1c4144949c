/** One line that says something and goes away by itself. */
import { h, setText } from './dom';

/** Long enough to read one sentence. */
const PASSING_MS = 7_000;

export class Passing {
  readonly element = h('p', { class: 'passing', role: 'status', hidden: true });
  private timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    setText(this.element, text);
    this.element.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.element.hidden = true;
    }, PASSING_MS);
  }
}
