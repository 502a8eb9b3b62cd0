import { deviceClock } from '../lib/clock.ts';
import { pathOfSearch, type Sort, type Sought } from '../lib/route.ts';
import { search } from '../lib/searchapi.ts';
import { nothing, Searching, type Found } from '../lib/searching.ts';
import type { RoomEvent } from '../lib/wire.ts';
import type { Router } from './router.svelte.ts';

/** The address follows what is typed a little later: browsers let it change only so often. */
const addressAfter = 300;

/** What one person searches for. It stays while they look at what they found. */
export class Search {
  found = $state.raw<Found>(nothing);

  /** The hit that was opened last, and how far down the results it was. */
  opened: string | undefined;
  top = 0;

  private readonly router: Router;
  private readonly searching = new Searching({
    ask: search,
    clock: deviceClock,
    onchange: (found) => (this.found = found),
  });
  private due: (() => void) | undefined;

  constructor(router: Router) {
    this.router = router;
  }

  /** Searches for what the address says, where it says something else than before. */
  follow(sought: Sought): void {
    if (pathOfSearch(sought) === pathOfSearch(this.found)) return;
    this.leave();
    this.opened = undefined;
    this.top = 0;
    this.searching.seek(sought);
  }

  type(q: string): void {
    this.opened = undefined;
    this.top = 0;
    this.searching.type(q);
    this.due?.();
    this.due = deviceClock.after(addressAfter, () => this.settle());
  }

  /** Somebody is done with typing. */
  now(): void {
    this.searching.now();
    this.settle();
  }

  sortBy(sort: Sort): void {
    this.searching.sortBy(sort);
    this.settle();
  }

  /** The address says what is searched for. */
  settle(): void {
    this.leave();
    if (this.router.sought) this.router.search(this.found, { replace: true });
  }

  more(): Promise<void> {
    return this.searching.more();
  }

  again(): void {
    this.searching.again();
  }

  take(event: RoomEvent): void {
    this.searching.take(event);
  }

  forget(room: string): void {
    this.searching.forget(room);
  }

  /** The search is not on screen any more. */
  leave(): void {
    this.due?.();
    this.due = undefined;
  }
}
