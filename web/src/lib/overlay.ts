import type { Outgoing } from './outbox.ts';
import { apply, react } from './revise.ts';
import type { RoomEvent } from './wire.ts';

/** A message as it will be, and what of that is not in the log yet. */
export interface Overlaid {
  event: RoomEvent;
  /** The last change of its words that is on its way, or was refused. */
  change?: Outgoing;
}

/**
 * Shows changes at once that are still on their way: the messages of a room by seq, as far as drafts
 * change them. A change that was refused is not shown, but named.
 */
export function overlay(
  drafts: readonly Outgoing[],
  at: (seq: number) => RoomEvent | undefined,
  me: { id: string; name: string },
): ReadonlyMap<number, Overlaid> {
  const changed = new Map<number, Overlaid>();
  for (const [index, draft] of drafts.entries()) {
    const { wish, target = 0, text, failed } = draft;
    if (!wish) continue;
    const known = changed.get(target);
    const event = known?.event ?? at(target);
    if (!event) continue;
    if (wish === 'react' || wish === 'unreact') {
      changed.set(target, { ...known, event: react(event, text, me, wish === 'react') });
      continue;
    }
    // It comes after everything that is in the log, in the order of the drafts.
    const seq = Number.MAX_SAFE_INTEGER - drafts.length + index;
    const { files = event.files } = draft;
    const change = { ...event, kind: wish, seq, text, ...(files ? { files: [...files] } : {}) };
    const after = failed ? event : apply(event, change);
    changed.set(target, { event: after, change: draft });
  }
  return changed;
}
