import { mayPreview, refusals, sift, type Candidate } from '../lib/files.ts';
import { Uploads, type Upload } from '../lib/uploads.ts';
import type { SharedFile } from '../lib/wire.ts';
import { measure, type Measures } from './measure.ts';
import { tusTransport } from './tus.ts';
import { speech } from './words.svelte.ts';

/** A file that is to go with a message. */
export interface Item {
  readonly key: string;
  readonly file: File;
  /** The file as this page has it; only of what may be shown before the server has looked at it. */
  readonly address: string;
  /** How long a voice note is. */
  readonly duration?: number;
  readonly measures: Measures;
  readonly upload: Upload;
}

/** A file, or a folder, that somebody chose, dropped or pasted. */
export type Chosen = Candidate & { file: File; duration?: number };

/** The files of one composer. They outlive it: somebody who looks into another room finds them again. */
export class Tray {
  items = $state.raw<readonly Item[]>([]);
  /** It was sent, and goes out when all of it is uploaded. */
  due = $state(false);
  /** What was not taken, and why. */
  refused = $state.raw<readonly string[]>([]);

  readonly ready = $derived(this.items.every(({ upload }) => upload.state === 'done'));
  readonly failed = $derived(this.items.some(({ upload }) => upload.state === 'failed'));

  private deliver: (files: SharedFile[]) => void;
  /** Sends the message while nobody shows the composer. */
  private readonly unseen: (files: SharedFile[]) => void;

  /** What its composer is called. */
  readonly key: string;

  private readonly uploads: Uploads;
  private readonly newKey: () => string;
  private readonly onfailed: (item: Item) => void;

  constructor(
    key: string,
    uploads: Uploads,
    newKey: () => string,
    unseen: (files: SharedFile[]) => void,
    onfailed: (item: Item) => void,
  ) {
    this.key = key;
    this.uploads = uploads;
    this.newKey = newKey;
    this.deliver = this.unseen = unseen;
    this.onfailed = onfailed;
  }

  /** Whoever shows the composer sends what is in it, until the returned function is called. */
  shown(deliver: (files: SharedFile[]) => void): () => void {
    this.deliver = deliver;
    return () => {
      if (this.deliver === deliver) this.deliver = this.unseen;
    };
  }

  /** Takes files in, as far as they can be sent; says of the others why not. */
  add(chosen: readonly Chosen[], largest: number | undefined): void {
    const words = speech.now;
    if (largest === undefined) {
      this.refused = [words.t('files.none')];
      return;
    }
    const { taken, refused } = sift(chosen, { there: this.items.length, largest });
    this.refused = refusals(refused, largest, words);
    for (const one of taken) this.take(one);
  }

  private take({ file, duration }: Chosen): void {
    const key = this.newKey();
    const shown = mayPreview(file.type) || /^(audio|video)\//.test(file.type);
    const address = shown ? URL.createObjectURL(file) : '';
    const measuring = shown ? measure(file.type, address) : Promise.resolve({});
    const known: Measures = duration === undefined ? {} : { duration };
    const upload: Upload = { key, size: file.size, state: 'waiting', sent: 0 };
    this.items = [...this.items, { key, file, address, measures: known, upload, ...known }];
    const described = measuring.then((found) => {
      const measures = { ...found, ...known };
      this.change(key, { measures });
      return metadata(file, measures);
    });
    this.uploads.add(key, file.size, (heard) => tusTransport(file, () => described, heard));
  }

  /** Hears of one of its uploads. */
  hear(upload: Upload): void {
    const item = this.items.find(({ key }) => key === upload.key);
    if (!item) return;
    this.change(upload.key, { upload });
    if (upload.state === 'failed') this.onfailed({ ...item, upload });
    this.settle();
  }

  remove(key: string): void {
    const item = this.items.find((one) => one.key === key);
    if (!item) return;
    this.uploads.remove(key, true);
    this.items = this.items.filter((one) => one !== item);
    if (item.address !== '') URL.revokeObjectURL(item.address);
    if (this.items.length === 0) this.due = false;
    this.settle();
  }

  retry(key: string): void {
    this.uploads.retry(key);
  }

  /** Sends what is here: now, or when it is uploaded. */
  send(): void {
    this.due = true;
    this.settle();
  }

  /** Leaves nothing here, and nothing at the server. */
  clear(): void {
    for (const { key } of this.items) this.remove(key);
  }

  private settle(): void {
    if (!this.due || !this.ready || this.items.length === 0) return;
    const { items } = this;
    this.due = false;
    this.items = [];
    this.refused = [];
    for (const { key } of items) this.uploads.remove(key, false);
    this.deliver(items.map(shared));
    for (const { upload, address } of items) keep(upload.id ?? '', address);
  }

  private change(key: string, change: Partial<Item>): void {
    this.items = this.items.map((item) => (item.key === key ? { ...item, ...change } : item));
  }
}

/** Files of one's own that were sent: until the page goes, they need not be fetched. */
const own = new Map<string, string>();
const kept = 60;

/** Where this page has a file that it sent itself. */
export const ownAddress = (id: string): string | undefined => own.get(id);

function keep(id: string, address: string): void {
  if (address === '') return;
  own.set(id, address);
  const [oldest] = own;
  if (own.size <= kept || !oldest) return;
  own.delete(oldest[0]);
  URL.revokeObjectURL(oldest[1]);
}

/** A file as its message will hold it, until the server has said what it is. */
function shared({ file, measures, upload }: Item): SharedFile {
  const { width, height, duration } = measures;
  // What could not be looked at here is no picture until the server says so.
  const type = mayPreview(file.type) && !width ? '' : file.type;
  return {
    id: upload.id ?? '',
    name: file.name,
    type: type || 'application/octet-stream',
    size: file.size,
    ...(width && height ? { width, height } : {}),
    ...(duration ? { duration } : {}),
  };
}

function metadata(file: File, { width, height, duration }: Measures): Record<string, string> {
  const told = { width, height, duration };
  const known = Object.entries(told).flatMap(([name, n]) => (n ? [[name, String(n)]] : []));
  return { filename: file.name, ...(Object.fromEntries(known) as Record<string, string>) };
}
