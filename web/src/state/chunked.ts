/**
 * An immutable list for a fold over thousands of events: `push` and `set` copy one chunk and the spine, not the
 * whole, and a view can tell by reference which chunks changed since it last looked.
 */
const CHUNK = 64;

export class Chunked<T> {
  static readonly EMPTY: Chunked<never> = new Chunked<never>([], 0);

  private constructor(
    readonly chunks: readonly (readonly T[])[],
    readonly length: number,
  ) {}

  static empty<T>(): Chunked<T> {
    return Chunked.EMPTY;
  }

  /** Item at `index`; negative counts from the end, as `Array.prototype.at` does. */
  at(index: number): T | undefined {
    const i = index < 0 ? this.length + index : index;
    return this.chunks[Math.floor(i / CHUNK)]?.[i % CHUNK];
  }

  push(item: T): Chunked<T> {
    const chunks = this.chunks.slice();
    const last = chunks.at(-1);
    if (last !== undefined && last.length < CHUNK) chunks[chunks.length - 1] = [...last, item];
    else chunks.push([item]);
    return new Chunked(chunks, this.length + 1);
  }

  set(index: number, item: T): Chunked<T> {
    const c = Math.floor(index / CHUNK);
    const chunk = this.chunks[c];
    if (chunk === undefined || index % CHUNK >= chunk.length) return this;
    const chunks = this.chunks.slice();
    chunks[c] = chunk.with(index % CHUNK, item);
    return new Chunked(chunks, this.length);
  }

  /** Drops the oldest whole chunk once the list holds more than `max` items beside it. */
  trimFront(max: number): Chunked<T> {
    const first = this.chunks[0];
    if (first === undefined || this.length - first.length < max) return this;
    return new Chunked(this.chunks.slice(1), this.length - first.length);
  }

  /** Searches from the newest: events nearly always concern what happened last. */
  findLastIndex(matches: (item: T) => boolean): number {
    for (let c = this.chunks.length - 1; c >= 0; c--) {
      const i = this.chunks[c]?.findLastIndex(matches) ?? -1;
      if (i >= 0) return c * CHUNK + i;
    }
    return -1;
  }

  findLast(matches: (item: T) => boolean): T | undefined {
    const index = this.findLastIndex(matches);
    return index < 0 ? undefined : this.at(index);
  }

  *[Symbol.iterator](): Generator<T> {
    for (const chunk of this.chunks) yield* chunk;
  }

  /** Calls `visit` with every item that may differ from `older`, skipping chunks the two share. */
  forEachChanged(older: Chunked<T>, visit: (item: T, index: number) => void): void {
    this.chunks.forEach((chunk, c) => {
      const before = older.chunks[c];
      if (before === chunk) return;
      chunk.forEach((item, i) => {
        if (before?.[i] !== item) visit(item, c * CHUNK + i);
      });
    });
  }
}
