// The wire view, as somebody uses it.
import { expect, type Someone } from './hubbub.ts';

export const frames = (who: Someone) => who.page.locator('[data-frames] [role=option]');

/** The rows of the list that are of a kind. */
export function wireRow(who: Someone, kind: string) {
  return frames(who).filter({ has: who.page.locator('.kind').getByText(kind, { exact: true }) });
}

/** Opens the wire view, and waits until the server reports to it. */
export async function openWire(who: Someone): Promise<void> {
  await who.page.keyboard.press('Control+Shift+Y');
  await expect(who.page.locator('[data-wire-state=reported]')).toBeAttached();
}
