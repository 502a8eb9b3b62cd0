import {
  doorOfPath,
  pathOfSearch,
  queryOfWire,
  roomIdOfPath,
  roomOfPath,
  seqOfPath,
  soughtOf,
  unfoldWire,
  wireOf,
  withoutSeq,
  type Sought,
  type WirePlace,
} from '../lib/route.ts';

/** What may lie over the room. It has its own place in the browser's history, so "back" leaves it. */
export type Panel =
  | 'rooms'
  | 'jump'
  | 'me'
  | 'room'
  | 'create'
  | 'direct'
  | 'report'
  | 'thread'
  | 'threads'
  | 'details'
  | 'picture'
  | 'help';

interface Entry {
  panel?: Panel;
  /** What lies under it. */
  under?: Panel;
}

const panelOf = (state: unknown): Panel | undefined => (state as Entry | null)?.panel;

/** The address of the page, and what lies over it. */
export class Router {
  path = $state(location.pathname);
  private query = $state(location.search);
  panel = $state<Panel | undefined>();
  /** The way in that the address names, and the secret behind its #. */
  readonly door = $derived(doorOfPath(this.path));
  secret = location.hash.slice(1);
  /** The name of the public room the address asks for. */
  readonly room = $derived(roomOfPath(this.path));
  /** The id of the private room or conversation the address asks for. */
  readonly roomId = $derived(roomIdOfPath(this.path));
  /** The message that the address leads to. */
  readonly seq = $derived(seqOfPath(this.path));
  /** What the address searches for. */
  readonly sought = $derived(soughtOf(this.path, this.query));
  /** What of the wire view is shown beside the room. It stays there from room to room. */
  readonly wire = $derived(this.sought ? undefined : wireOf(this.query));
  /** Where rooms went that were renamed: the way back must not lead to their old names. */
  private readonly moved = new Map<string, string>();

  constructor() {
    const unfolded = unfoldWire(location.pathname);
    if (unfolded) {
      history.replaceState(null, '', unfolded);
      this.path = location.pathname;
      this.query = location.search;
    }
    // A reload closes what was open, as the entry before it still shows the room.
    // A secret does not stay in the address, where it would be read, kept and passed on.
    history.replaceState(null, '', this.door ? this.path : undefined);
    window.addEventListener('hashchange', () => {
      if (this.door && location.hash !== '') location.reload();
    });
    window.addEventListener('popstate', (event) => {
      const path = this.moved.get(location.pathname) ?? location.pathname;
      if (path !== location.pathname) history.replaceState(event.state, '', path);
      this.path = path;
      this.query = location.search;
      this.panel = panelOf(event.state);
    });
  }

  /** Counts the times one went to an address, also to the one where one is. */
  visits = $state(0);

  /** Goes to a room. What lies over the page gives its place in the history to the new address. */
  go(path: string, { replace = false } = {}): void {
    const query = this.wire ? queryOfWire(this.wire) : '';
    if (replace || this.panel || path === this.path) history.replaceState(null, '', path + query);
    else history.pushState(null, '', path + query);
    this.panel = undefined;
    if (path === this.path) this.visits++;
    this.path = path;
    this.query = query;
    this.moved.delete(path);
  }

  /** Goes to a search, or says in the address what it has become. */
  search(sought: Sought, { replace = false } = {}): void {
    const address = pathOfSearch(sought);
    if (replace) history.replaceState(history.state, '', address);
    else if (this.panel) history.replaceState({ cameFromHere: true }, '', address);
    else history.pushState({ cameFromHere: true }, '', address);
    const { pathname, search } = location;
    this.panel = undefined;
    this.path = pathname;
    this.query = search;
  }

  /** Goes back to where one was before the search, if that was here. */
  leaveSearch(otherwise: string): void {
    const state = history.state as { cameFromHere?: boolean } | null;
    if (state?.cameFromHere) history.back();
    else this.go(otherwise, { replace: true });
  }

  /** Opens the wire view beside the room, or another part of it, in the place of what lies over the page. */
  openWire(place: WirePlace): void {
    const address = this.path + queryOfWire(place);
    if (this.panel && this.panel !== 'thread') {
      history.replaceState(null, '', address);
      this.panel = undefined;
    } else if (this.wire) history.replaceState(history.state, '', address);
    else history.pushState(history.state, '', address);
    this.query = queryOfWire(place);
  }

  closeWire(): void {
    if (!this.wire) return;
    history.replaceState(history.state, '', this.path);
    this.query = '';
  }

  /** A room has another address now. */
  move(from: string, to: string): void {
    for (const [old, path] of this.moved) if (path === from) this.moved.set(old, to);
    this.moved.set(from, to);
    this.moved.delete(to);
    if (this.path !== from) return;
    history.replaceState(history.state, '', to + this.query);
    this.path = to;
  }

  open(panel: Panel): void {
    if (this.panel === panel) return;
    // The list of rooms and a thread are screens of their own on a phone: what opens over them leads back.
    if (this.panel && this.panel !== 'rooms' && this.panel !== 'thread')
      history.replaceState({ ...(history.state as Entry | null), panel }, '');
    else history.pushState({ panel, ...(this.panel ? { under: this.panel } : {}) }, '');
    this.panel = panel;
  }

  /** The address is that of the room again, where it was that of a message. */
  forgetSeq(): void {
    if (this.seq === undefined) return;
    this.path = withoutSeq(this.path);
    history.replaceState(history.state, '', this.path + this.query);
  }

  close(): void {
    if (!this.panel) return;
    this.panel = (history.state as Entry | null)?.under;
    history.back();
  }
}
