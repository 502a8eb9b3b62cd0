// What somebody sees on a screen, measured.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Page } from '@playwright/test';
import { expect, type Hubbub, type Someone } from './hubbub.ts';

/** Says many things in plain text, and returns when all are stored. */
export async function script(hubbub: Hubbub, path: string, texts: string[]): Promise<void> {
  const socket = new WebSocket(hubbub.socket + path);
  await once(socket, 'open');
  for (const text of texts) socket.send(text);
  socket.close(); // is answered after everything before it
  await once(socket, 'close');
}

export const numbered = (n: number, word = 'message') => Array.from({ length: n }, (_, i) => `${word} ${i + 1}`);

/** So high that the list draws all of a hundred messages, and not only those of a window. */
export const tall = { viewport: { width: 1000, height: 4000 } };

/** Waits until nothing is on the way any more. */
export async function settled(who: Someone): Promise<void> {
  await expect(who.page.locator('[data-connection]')).toContainText('connected · nothing waiting', { timeout: 45_000 });
}

/** The row in the middle of the screen. */
export async function middle(who: Someone): Promise<{ id: string; seq: string; top: number }> {
  return who.page.evaluate(() => {
    const log = document.querySelector('[role=log]') as HTMLElement;
    const box = log.getBoundingClientRect();
    for (const row of log.querySelectorAll<HTMLElement>('article[data-id]')) {
      const top = row.getBoundingClientRect().top;
      if (top >= box.top + box.height / 3) return { id: row.dataset.id ?? '', seq: row.dataset.seq ?? '', top };
    }
    return { id: '', seq: '', top: 0 };
  });
}

/** Where a row is once it has stopped moving; undefined if it is not drawn any more. */
export async function settledAt(who: Someone, id: string): Promise<number | undefined> {
  return who.page.evaluate(async (wanted) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const top = () => document.querySelector(`article[data-id="${wanted}"]`)?.getBoundingClientRect().top;
    let last = top();
    for (let still = 0; still < 6; ) {
      await frame();
      const now = top();
      still = now === last ? still + 1 : 0;
      last = now;
    }
    return last;
  }, id);
}

/** Puts somebody between a page and its server who can hold what is said, let it through, or end it. */
export async function between(who: Someone) {
  const line = {
    /** Holds what the server says. */
    hold: false,
    /** Passes nothing on, either way, as a device that sleeps. */
    deaf: false,
    connections: 0,
    /** Lets through what was held. */
    release: () => {
      line.hold = false;
      for (const pass of held.splice(0)) pass();
    },
    cut: () => {},
  };
  const held: (() => void)[] = [];
  await who.page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    line.connections++;
    line.cut = () => void socket.close({ code: 4000, reason: 'cut' });
    const mine = line.connections;
    server.onMessage((message) => {
      if (line.deaf && mine === 1) return;
      if (line.hold) held.push(() => socket.send(message));
      else socket.send(message);
    });
    socket.onMessage((message) => {
      if (!(line.deaf && mine === 1)) server.send(message);
    });
  });
  return line;
}

/** What has the focus: its label or text. */
export function focused(who: Someone): Promise<string> {
  return who.page.evaluate(() => {
    const at = document.activeElement;
    if (at === document.body) return '';
    return at?.getAttribute('aria-label') ?? at?.textContent?.trim().slice(0, 80) ?? '';
  });
}

/** What has the focus can be seen to have it. */
export async function focusShows(who: Someone): Promise<void> {
  const shows = await who.page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return 'nothing has the focus';
    const { width, height } = at.getBoundingClientRect();
    if (width < 2 || height < 2) return `no size: ${at.outerHTML.slice(0, 120)}`;
    const marked = (element: Element | null): boolean => {
      if (!element || element === document.body) return false;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
    };
    // A field shows it by the border of the box it stands in.
    const box = at.closest('form:focus-within');
    if (marked(at) || (at.matches('textarea, input') && box)) return '';
    return `unseen: ${at.outerHTML.slice(0, 120)}`;
  });
  expect(shows).toBe('');
}

/** Browsers under test all have the focus; this one says what we want. */
export const attentive = (page: Page) =>
  page.addInitScript(() => {
    const looks = { at: true };
    Object.assign(window, { looks });
    document.hasFocus = () => looks.at;
  });

/** Looks at a page, or away from it. */
export async function look(who: Someone, at: boolean): Promise<void> {
  await who.page.evaluate((on) => {
    (window as unknown as { looks: { at: boolean } }).looks.at = on;
    window.dispatchEvent(new Event(on ? 'focus' : 'blur'));
  }, at);
}
