// Files on the page: what is sent and what is seen.
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, type Someone } from './hubbub.ts';
import type { Made } from './media.ts';

export const tray = (who: Someone) => who.page.locator('main [data-tray] li');
export const input = (who: Someone) => who.page.locator('main input[type=file]');
export const pictures = (who: Someone) => who.page.locator('main [data-picture]');
export const cards = (who: Someone) => who.page.locator('main [data-card]');

/** Chooses files and sends them with a caption. */
export async function sendFiles(who: Someone, files: Made[], caption = ''): Promise<void> {
  await input(who).setInputFiles(files);
  await who.composer.fill(caption);
  await who.composer.press('Enter');
  await expect(tray(who)).toHaveCount(0);
}

/** Puts files into the clipboard or over the room, as another program does. */
export async function give(page: Page, how: 'paste' | 'drop', files: Made[]): Promise<void> {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, data: buffer.toString('base64') }));
  await page.evaluate(
    ([kind, all]) => {
      const data = new DataTransfer();
      for (const { name, mimeType, data: base64 } of all) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], name, { type: mimeType }));
      }
      const field = document.querySelector('main textarea[enterkeyhint]') as HTMLElement;
      if (kind === 'paste') field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
      else {
        const log = document.querySelector('main [role=log]') as HTMLElement;
        for (const type of ['dragenter', 'dragover', 'drop']) log.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
      }
    },
    [how, sent] as const,
  );
}

/** Takes a picture of the page, where somebody wants to look at them. */
export async function shot(who: Someone, name: string): Promise<void> {
  const folder = process.env.PICTURES;
  if (folder) await who.page.screenshot({ path: join(folder, `${name}.png`) });
}
