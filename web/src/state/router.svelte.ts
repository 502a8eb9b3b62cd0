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

/** What a place in the browser's history knows beside its address. */
interface Entry {
  panel?: Panel | undefined;
  /** What lies under it. */
  under?: Panel | undefined;
  /** What the places before it show of the same room, the oldest first. */
  below?: readonly string[] | undefined;
}

/** How many places before it one knows of: nobody opens more than a few things over each other. */
const mostBelow = 20;

const entryOf = (state: unknown): Entry => (state as Entry | null) ?? {};

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
    // A reload closes what was open, as the entry before it still shows the room; the wire view stays.
    // A secret does not stay in the address, where it would be read, kept and passed on.
    const { below } = entryOf(history.state);
    history.replaceState({ below }, '', this.door ? this.path : undefined);
    window.addEventListener('hashchange', () => {
      if (this.door && location.hash !== '') location.reload();
    });
    window.addEventListener('popstate', (event) => {
      const path = this.moved.get(location.pathname) ?? location.pathname;
      if (path !== location.pathname) history.replaceState(event.state, '', path);
      this.path = path;
      this.query = location.search;
      this.panel = entryOf(event.state).panel;
    });
  }

  /** Counts the times one went to an address, also to the one where one is. */
  visits = $state(0);

  /** Goes to a room. What lies over the page gives its place in the history to the new address. */
  go(path: string, { replace = false } = {}): void {
    const query = this.wire ? queryOfWire(this.wire) : '';
    const { below } = path === this.path ? entryOf(history.state) : {};
    if (replace || this.panel || path === this.path)
      history.replaceState({ below }, '', path + query);
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

  /**
   * Opens the wire view beside the room, or another part of it, in the place of what lies over the page. A
   * thread stays.
   */
  openWire(place: WirePlace): void {
    const query = queryOfWire(place);
    const { under, below } = entryOf(history.state);
    if (this.panel && this.panel !== 'thread') {
      this.panel = under === 'thread' ? under : undefined;
      history.replaceState({ panel: this.panel, below }, '', this.path + query);
    } else if (this.wire) history.replaceState(history.state, '', this.path + query);
    else this.push({ panel: this.panel, under }, this.path + query);
    this.query = query;
  }

  closeWire(): void {
    if (!this.wire) return;
    this.query = '';
    this.leave(entryOf(history.state));
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
    const { panel: now } = this;
    if (now === panel) return;
    // The list of rooms and a thread are screens of their own on a phone: what opens over them leads back.
    if (now && now !== 'rooms' && now !== 'thread')
      history.replaceState({ ...entryOf(history.state), panel }, '');
    else this.push({ panel, under: now });
    this.panel = panel;
  }

  /** The address is that of the room again, where it was that of a message. */
  forgetSeq(): void {
    if (this.seq === undefined) return;
    this.path = withoutSeq(this.path);
    // The places before this one lead to the message.
    const { panel, under } = entryOf(history.state);
    history.replaceState({ panel, under }, '', this.path + this.query);
  }

  close(): void {
    if (!this.panel) return;
    this.panel = entryOf(history.state).under;
    this.leave({ panel: this.panel });
  }

  /** What is on screen, as places in the history tell each other. */
  private get shown(): string {
    return `${this.panel ?? ''} ${this.wire ? 'wire' : ''}`;
  }

  /** Gives what opens a place of its own. */
  private push(entry: Entry, address?: string): void {
    const below = [...(entryOf(history.state).below ?? []), this.shown].slice(-mostBelow);
    history.pushState({ ...entry, below }, '', address);
  }

  /**
   * Something was closed: goes back to where the rest was shown alone. Where that never was, since what was
   * closed lay under what stays, this place shows the rest from now on.
   */
  private leave({ panel, under }: Entry): void {
    const { below = [] } = entryOf(history.state);
    const at = below.lastIndexOf(this.shown);
    if (at >= 0) history.go(at - below.length);
    else history.replaceState({ panel, under, below }, '', this.path + this.query);
  }
}
