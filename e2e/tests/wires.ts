// The wire view, as somebody uses it.
import { expect, type Someone } from './hubbub.ts';

export const frames = (who: Someone) => who.page.locator('[data-frames] [role=option]');

/** The rows of the list that are of a kind. */
export function wireRow(who: Someone, kind: string) {
  return frames(who).filter({ has: who.page.locator('.kind').getByText(kind, { exact: true }) });
}

/** Opens the wire view, and waits until it shows a connection from its beginning. */
export async function openWire(who: Someone): Promise<void> {
  await who.page.keyboard.press('Control+Shift+Y');
  await expect(who.page.locator('[data-wire-state=reported]')).toBeAttached();
  await expect(wireRow(who, 'opened').first()).toBeVisible();
}

/** The entry that is shown by itself. */
export const entry = (who: Someone) => who.page.locator('[data-entry]');

/** A field of the header that is shown: its bits and what they mean. */
export function field(who: Someone, name: string) {
  return entry(who).locator('tbody tr').filter({ has: who.page.getByRole('rowheader', { name, exact: true }) });
}

/** Every text that the wire view shows. */
export const told = (who: Someone) => who.page.locator('[data-wire]').innerText();

/** Goes to a part of the wire view. */
export async function part(who: Someone, name: string): Promise<void> {
  await who.page.getByRole('tab', { name, exact: true }).click();
}

/** A line to paste, as it stands on the screen. */
export async function line(who: Someone, client: string): Promise<string> {
  return who.page.locator(`[data-client=${client}] pre`).innerText();
}

/** Makes the page's connections known to tests, so that what comes in can be more than a server would send. */
export async function reachSockets(who: Someone): Promise<void> {
  await who.page.addInitScript(() => {
    const all: WebSocket[] = [];
    Object.assign(window, { sockets: all });
    window.WebSocket = class extends WebSocket {
      constructor(address: string | URL, protocols?: string | string[]) {
        super(address, protocols);
        all.push(this);
      }
    };
  });
}

/** Has a text come in on the page's present connection. */
export async function comeIn(who: Someone, text: string): Promise<void> {
  await who.page.evaluate((data) => {
    const { sockets } = window as unknown as { sockets: WebSocket[] };
    sockets.at(-1)?.dispatchEvent(new MessageEvent('message', { data }));
  }, text);
}
