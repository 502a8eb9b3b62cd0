import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { SharedFile } from './wire.ts';

/** What a draft wants: a new message, or something done to the message at `target`. */
export type Wish = 'edit' | 'delete' | 'react' | 'unreact';

/** A message, or a change of one, that is not in the log yet. */
export interface Draft {
  /** Chosen here, before sending: it is the event's name for ever. */
  id: string;
  room: string;
  author: string;
  /** The words, or the emoji of a reaction. */
  text: string;
  /** Without one it is a new message. */
  wish?: Wish;
  /** The message that is changed. */
  target?: number;
  /** An edit: the revision of the message that was seen. */
  base?: number;
  /** The message that a new one answers, or under which it stands. */
  reply?: number;
  thread?: number;
  /** What a new message holds, or what stays of it in an edit. The bytes are with the server already. */
  files?: readonly SharedFile[];
  /** When it was written, by the clock of this device. */
  created: number;
  /** Its place among the drafts of this person; ascending even if the clock goes back. */
  order: number;
  /** Why the server refused it: its code and its words. */
  failed?: { code: string; message: string };
}

/** Where drafts survive a reload. */
export interface DraftStore {
  all(author: string): Promise<Draft[]>;
  put(draft: Draft): Promise<void>;
  /** Changes a draft that is still there; one that was removed meanwhile stays removed. */
  replace(draft: Draft): Promise<void>;
  remove(id: string): Promise<void>;
}

interface Schema extends DBSchema {
  drafts: { key: string; value: Draft; indexes: { author: string } };
}

// A pending message must survive a crash of the whole computer, as it does once it is acknowledged.
const strict = { durability: 'strict' } as const;

/** Keeps drafts in IndexedDB. Rejects where there is none, as in some private windows. */
export async function openDraftStore(name = 'hubbub'): Promise<DraftStore> {
  const db: IDBPDatabase<Schema> = await openDB<Schema>(name, 1, {
    upgrade(database) {
      const drafts = database.createObjectStore('drafts', { keyPath: 'id' });
      drafts.createIndex('author', 'author');
    },
    // A newer page in another tab wants to change the database: do not stand in its way.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  return {
    all: (author) => db.getAllFromIndex('drafts', 'author', author),
    async put(draft) {
      const tx = db.transaction('drafts', 'readwrite', strict);
      const put = tx.store.put(draft);
      // Asked for at once: left to itself it is asked for behind the answer to the put, and a page that is
      // closed before that takes the draft with it.
      tx.commit();
      await Promise.all([put, tx.done]);
    },
    async replace(draft) {
      const tx = db.transaction('drafts', 'readwrite', strict);
      if (await tx.store.getKey(draft.id)) await tx.store.put(draft);
      await tx.done;
    },
    async remove(id) {
      const tx = db.transaction('drafts', 'readwrite', strict);
      await Promise.all([tx.store.delete(id), tx.done]);
    },
  };
}

/** Keeps drafts for as long as the page lives. */
export function memoryDraftStore(): DraftStore {
  const drafts = new Map<string, Draft>();
  return {
    all: async (author) => [...drafts.values()].filter((draft) => draft.author === author),
    async put(draft) {
      drafts.set(draft.id, draft);
    },
    async replace(draft) {
      if (drafts.has(draft.id)) drafts.set(draft.id, draft);
    },
    async remove(id) {
      drafts.delete(id);
    },
  };
}
