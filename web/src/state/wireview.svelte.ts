import { passes, unfiltered, type WireFilter } from '../lib/wirefilter.ts';
import type { Entry, WireLog } from '../lib/wirelog.ts';
import type { About } from '../lib/wireread.ts';

/** What of the wire is on screen. It outlasts a look at another part of the wire view. */
export class WireView {
  filter = $state.raw<WireFilter>(unfiltered);
  filtering = $state(false);
  /** What the list showed when it was stopped. */
  paused = $state.raw<{ entries: readonly Entry[]; frames: number } | undefined>();
  /** The number of the entry that the keys are at. */
  at = $state<number | undefined>();
  /** The entry that is shown by itself. */
  opened = $state.raw<Entry | undefined>();

  /** What there is to show, of the log as it is now. */
  entries(log: WireLog): readonly Entry[] {
    return this.paused?.entries ?? log.all();
  }

  shown(entries: readonly Entry[], about: About | undefined): readonly Entry[] {
    const filter = { ...this.filter, about };
    return entries.filter((entry) => passes(entry, filter));
  }

  pause(log: WireLog): void {
    this.paused = this.paused ? undefined : { entries: log.all(), frames: log.frames };
  }

  clear(log: WireLog): void {
    log.clear();
    this.opened = this.at = undefined;
    if (this.paused) this.paused = { entries: [], frames: log.frames };
  }

  open(entry: Entry): void {
    this.opened = entry;
    this.at = entry.n;
  }

  set(change: Partial<WireFilter>): void {
    this.filter = { ...this.filter, ...change };
  }
}
