import { memoryDraftStore, openDraftStore, type DraftStore } from '../lib/draftstore.ts';
import { removeSnapshot, Snapshot } from '../lib/snapshot.ts';

const limit = 2_000;

/** The database of drafts, or memory where there is none, or where it does not answer. */
export function openStore(): Promise<DraftStore> {
  return inTime(openDraftStore(), memoryDraftStore);
}

/** Nothing where there is no database, or where it does not answer. */
export function openSnapshot(): Promise<Snapshot | undefined> {
  return inTime(Snapshot.open(), () => undefined);
}

/** Where texts that are being written stand, if the browser lets us. */
export function textStorage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

/** Leaves nothing of anybody on this device. */
export async function forgetAll(): Promise<void> {
  textStorage()?.clear();
  await removeSnapshot().catch(() => undefined);
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase('hubbub');
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
}

/** What opens, or something else where it fails or takes too long. */
function inTime<T, E>(opening: Promise<T>, otherwise: () => E): Promise<T | E> {
  const late = new Promise<E>((resolve) => setTimeout(() => resolve(otherwise()), limit));
  return Promise.race([opening.catch(otherwise), late]);
}
