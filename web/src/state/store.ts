/** Holds the state of one session and tells views at most once a frame that it changed. */
import type { Event, StreamNotice } from '@events';
import { initialState, type SessionState } from './model';
import { reduce, reduceNotice } from './reduce';

export type View = (state: SessionState, previous: SessionState) => void;
export type Schedule = (run: () => void) => void;

/** A hidden page gets no animation frames, yet its title must still say that there is an alarm. */
const HIDDEN_RENDER_MS = 500;

export function browserSchedule(run: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    run();
  };
  // Both: a page hidden before the frame it asked for would otherwise wait for it until it is shown again.
  const timer = setTimeout(once, HIDDEN_RENDER_MS);
  if (!document.hidden) requestAnimationFrame(once);
}

export class Store {
  private current: SessionState = initialState;
  private rendered: SessionState = initialState;
  private scheduled = false;
  private readonly views: View[] = [];

  constructor(private readonly schedule: Schedule = browserSchedule) {}

  get state(): SessionState {
    return this.current;
  }

  apply(event: Event): void {
    this.replace(reduce(this.current, event));
  }

  applyNotice(notice: StreamNotice): void {
    this.replace(reduceNotice(this.current, notice));
  }

  /** Forgets everything, for a full refetch. */
  reset(): void {
    this.replace(initialState);
  }

  subscribe(view: View): void {
    this.views.push(view);
    view(this.rendered, initialState);
  }

  private replace(next: SessionState): void {
    if (next === this.current) return;
    this.current = next;
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      const previous = this.rendered;
      this.rendered = this.current;
      for (const view of this.views) view(this.current, previous);
    });
  }
}
