/**
 * Rows of one height, of which only those in sight are elements. A row that changes its place glides there; one that
 * has the focus stays an element wherever it goes.
 */
import { setAttribute } from './dom';

/** A row's element and what it shows. */
export interface RowView<T> {
  readonly element: HTMLElement;
  update(item: T): void;
}

export interface VirtualListSpec<T> {
  readonly label: string;
  /** Pixels. */
  readonly rowHeight: number;
  readonly key: (item: T) => string;
  readonly create: (item: T) => RowView<T>;
}

/** Rows beyond each edge, so that a quick scroll meets no void. */
const OVERSCAN = 4;

interface Placed<T> {
  readonly view: RowView<T>;
  item: T;
  index: number;
}

export class VirtualList<T> {
  /** Scrolls. */
  readonly element: HTMLElement;
  private readonly body: HTMLElement;
  private items: readonly T[] = [];
  private readonly placed = new Map<string, Placed<T>>();

  constructor(private readonly spec: VirtualListSpec<T>, head: HTMLElement) {
    this.body = document.createElement('div');
    this.body.className = 'virtual-body';
    this.body.setAttribute('role', 'rowgroup');
    this.element = document.createElement('div');
    this.element.className = 'virtual-list';
    this.element.setAttribute('role', 'table');
    this.element.setAttribute('aria-label', spec.label);
    this.element.append(head, this.body);
    this.element.addEventListener('scroll', () => { this.render(); }, { passive: true });
    this.element.addEventListener('keydown', (event) => { this.key(event); });
    new ResizeObserver(() => { this.render(); }).observe(this.element);
  }

  /** The items that are elements now. */
  get shown(): readonly T[] {
    return [...this.placed.values()].map((p) => p.item);
  }

  set(items: readonly T[]): void {
    this.items = items;
    this.body.style.height = `${items.length * this.spec.rowHeight}px`;
    // The head is a row, too.
    setAttribute(this.element, 'aria-rowcount', items.length + 1);
    this.render();
  }

  private render(): void {
    const { rowHeight, key } = this.spec;
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN);
    const last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / rowHeight) + OVERSCAN);
    const wanted = new Map<string, number>();
    for (let i = first; i < last; i++) wanted.set(key(this.items[i] as T), i);
    this.keepFocused(wanted);
    for (const [id, { view }] of this.placed) {
      if (wanted.has(id)) continue;
      view.element.remove();
      this.placed.delete(id);
    }
    for (const [id, index] of wanted) this.place(id, index);
    this.order();
  }

  private keepFocused(wanted: Map<string, number>): void {
    for (const [id, { view }] of this.placed) {
      if (wanted.has(id) || !view.element.contains(document.activeElement)) continue;
      const index = this.items.findIndex((item) => this.spec.key(item) === id);
      if (index >= 0) wanted.set(id, index);
    }
  }

  private place(id: string, index: number): void {
    const item = this.items[index] as T;
    let placed = this.placed.get(id);
    if (placed === undefined) {
      placed = { view: this.spec.create(item), item, index: -1 };
      this.placed.set(id, placed);
      this.body.append(placed.view.element);
    } else if (placed.item !== item) {
      placed.item = item;
      placed.view.update(item);
    }
    if (placed.index === index) return;
    placed.index = index;
    placed.view.element.style.transform = `translateY(${index * this.spec.rowHeight}px)`;
    setAttribute(placed.view.element, 'aria-rowindex', index + 2);
  }

  /** A screen reader reads in the order of the page. The element with the focus would lose it if it moved: others do. */
  private order(): void {
    const inOrder = [...this.placed.values()].sort((a, b) => a.index - b.index).map((p) => p.view.element);
    const focused = inOrder.findIndex((element) => element.contains(document.activeElement));
    const anchor = focused < 0 ? null : (inOrder[focused] as Node);
    // Backwards from the end for what follows the anchor, then for what comes before it.
    const put = (elements: readonly HTMLElement[], before: Node | null): void => {
      let next = before;
      for (const element of [...elements].reverse()) {
        if (element.nextSibling !== next) this.body.insertBefore(element, next);
        next = element;
      }
    };
    if (anchor === null) put(inOrder, null);
    else {
      put(inOrder.slice(0, focused), anchor);
      put(inOrder.slice(focused + 1), null);
    }
  }

  private key(event: KeyboardEvent): void {
    const from = [...this.placed.values()].find((p) => p.view.element.contains(document.activeElement))?.index;
    if (from === undefined) return;
    const to = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: this.items.length - 1 }[event.key];
    if (to === undefined || to < 0 || to >= this.items.length) return;
    event.preventDefault();
    this.scrollTo(to);
    const target = this.placed.get(this.spec.key(this.items[to] as T));
    target?.view.element.querySelector<HTMLElement>('a, button')?.focus({ preventScroll: true });
  }

  private scrollTo(index: number): void {
    const { rowHeight } = this.spec;
    const head = this.body.offsetTop;
    const top = index * rowHeight;
    const bottom = top + rowHeight + head;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (bottom > this.element.scrollTop + this.element.clientHeight) this.element.scrollTop = bottom - this.element.clientHeight;
    this.render();
  }
}
