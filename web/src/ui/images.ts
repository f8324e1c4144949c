/** Images: upload, preview with its facts, and a closer look. */
import type { SessionId } from '@events';
import { ApiError, previewUrl, uploadImage } from '../net/api';
import type { ImageEntry } from '../state/model';
import type { Store } from '../state/store';
import { h, icon, replace, setText } from './dom';
import { bytes, clockTime, FORMAT_NAME } from './format';
import type { Sources } from './sources';

/** `MAX_IMAGE_BYTES` of protocols/events: refused here too, before minutes of upload. */
const MAX_IMAGE_BYTES = 64 * 1_024 * 1_024;

export class Images {
  readonly element: HTMLElement;
  private readonly list = h('ul', { class: 'image-list' });
  private readonly status = h('p', { class: 'fine', role: 'status' });
  private readonly input: HTMLInputElement;
  private readonly drop: HTMLElement;
  private readonly dialog: HTMLDialogElement;
  private readonly cards = new Map<string, { entry: ImageEntry; element: HTMLElement }>();

  constructor(
    private readonly session: SessionId,
    store: Store,
    private readonly sources: Sources,
  ) {
    const accept = '.dcm,application/dicom,image/png,image/jpeg';
    const change = (): void => {
      void this.uploadAll(this.input.files);
      this.input.value = '';
    };
    this.input = h('input', { type: 'file', accept, multiple: true, class: 'sr', id: 'image-file', 'data-testid': 'image-file', on: { change } });
    const label = h('label', { class: 'drop', for: 'image-file' }, icon('upload'), h('span', {}, h('b', {}, 'Add an image'), ' or drop it here'), h('small', {}, 'DICOM, PNG, JPEG · up to 64 MiB'));
    this.drop = h('div', { class: 'drop-zone' }, this.input, label);
    this.dialog = h('dialog', { class: 'viewer', 'aria-label': 'Image' });
    this.element = h('div', { class: 'images' }, this.list, this.drop, this.status, this.dialog);
    this.acceptDrops();
    sources.onPoint((target) => {
      for (const [id, { element }] of this.cards) {
        const here = target?.place === 'images' && target.key === id;
        element.classList.toggle('marked', here);
      }
    });
    store.subscribe((state, previous) => {
      if (state.images !== previous.images) this.render(state.images);
      this.drop.hidden = state.ended !== undefined;
    });
  }

  private render(images: readonly ImageEntry[]): void {
    const elements = images.toReversed().map((entry) => {
      const id = entry.received.value.image;
      const known = this.cards.get(id);
      const element = known?.entry === entry ? known.element : this.card(entry);
      this.cards.set(id, { entry, element });
      return element;
    });
    this.list.replaceChildren(...elements);
  }

  private card(entry: ImageEntry): HTMLElement {
    const { received, ready, rejected } = entry;
    const facts: Node[] = [];
    const fact = (term: string, value: string): void => {
      facts.push(h('div', {}, h('dt', {}, term), h('dd', {}, value)));
    };
    if (ready !== undefined) {
      const { value } = ready;
      fact('Modality', [value.modality ?? FORMAT_NAME[value.format], value.body_part].filter(Boolean).join(', '));
      const frames = value.frames > 1 ? `, ${value.frames} frames` : '';
      fact('Size', `${value.width} × ${value.height}${frames}`);
      fact('De-identified', `${value.elements_deidentified} ${value.elements_deidentified === 1 ? 'element' : 'elements'}`);
    }
    fact('Received', `${clockTime(received.at)}, ${bytes(received.value.bytes)}`);
    const findings = entry.findings.map((f) =>
      h('li', {}, `${f.value.label} ${Math.round(f.value.probability * 100)} %`, this.sources.provenanceButton('finding', () => f.value.provenance)),
    );
    return h(
      'li',
      { class: 'image-card', 'data-image': received.value.image },
      this.thumbnail(entry),
      h(
        'div',
        { class: 'image-facts' },
        h('dl', {}, ...facts),
        ready?.value.burned_in_text_possible === true && h('p', { class: 'warning' }, icon('alarm'), 'Pixels may show burned-in text: only the header was cleaned.'),
        rejected !== undefined && h('p', { class: 'warning' }, icon('alarm'), `Rejected: ${rejected.value}`),
        findings.length > 0 && h('ul', { class: 'findings' }, ...findings),
      ),
    );
  }

  private thumbnail(entry: ImageEntry): HTMLElement {
    if (entry.ready === undefined) {
      return h('div', { class: 'thumb waiting' }, entry.rejected === undefined ? 'processing' : 'no preview');
    }
    const { image, width, height } = entry.ready.value;
    const alt = `Preview, ${entry.ready.value.modality ?? FORMAT_NAME[entry.ready.value.format]} image`;
    const src = previewUrl(this.session, image);
    const picture = h('img', { src, alt, 'data-testid': 'image-preview', loading: 'lazy', width, height });
    const open = (): void => {
      this.enlarge(src, alt);
    };
    return h('button', { type: 'button', class: 'thumb', 'aria-label': `Enlarge: ${alt}`, on: { click: open } }, picture, icon('expand'));
  }

  private enlarge(src: string, alt: string): void {
    const close = (): void => {
      this.dialog.close();
    };
    const button = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close', on: { click: close } }, icon('close'));
    const picture = h('img', { src, alt });
    const zoom = (): void => {
      picture.classList.toggle('actual');
    };
    const stage = h('button', { type: 'button', class: 'stage', 'aria-label': 'Switch between fitted and full size', on: { click: zoom } }, picture);
    const note = h('p', { class: 'fine' }, 'Preview for orientation, not for reading the study.');
    replace(this.dialog, h('header', {}, h('h2', {}, alt), button), stage, note);
    this.dialog.showModal();
  }

  private acceptDrops(): void {
    // The whole page takes a drop: a file let go beside the zone must not replace the page.
    const over = (event: DragEvent): void => {
      event.preventDefault();
      this.drop.classList.toggle('over', event.type === 'dragover');
    };
    const on = (type: 'dragover' | 'dragleave' | 'drop', handler: (event: DragEvent) => void): void => {
      document.addEventListener(type, handler);
    };
    on('dragover', over);
    on('dragleave', over);
    on('drop', (event) => {
      over(event);
      if (!this.drop.hidden) void this.uploadAll(event.dataTransfer?.files ?? null);
    });
  }

  private async uploadAll(files: FileList | null): Promise<void> {
    for (const file of files ?? []) {
      if (file.size > MAX_IMAGE_BYTES) {
        setText(this.status, `Not sent: ${bytes(file.size)} exceeds the limit of 64 MiB.`);
        continue;
      }
      setText(this.status, `Sending ${bytes(file.size)}…`);
      try {
        await uploadImage(this.session, file);
        setText(this.status, '');
      } catch (error) {
        setText(this.status, error instanceof ApiError ? `Not accepted: ${error.message}` : 'The image could not be sent.');
      }
    }
  }
}
