// Texts that were written to break the page that shows them.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { hostile } from '../../web/src/lib/hostile.ts';
import { expect, test } from './hubbub.ts';

const parts = 4;
const viewports = [
  { width: 1280, height: 800 },
  { width: 320, height: 640 },
];

interface Seen {
  links: number;
  problems: string[];
}

/** As much of a text as the server takes. */
function fitting(text: string): string {
  const most = 16 << 10;
  return Buffer.from(text).subarray(0, most - 3).toString().replace(/\ufffd$/, '');
}

for (let part = 0; part < parts; part++) {
  test(`hostile texts are only shown, ${part + 1} of ${parts}`, async ({ hubbub, someone }) => {
    test.slow(); // hundreds of texts
    await hubbub.stop();
    await hubbub.start('--limits', 'off');
    const ines = await someone('Ines', { viewport: viewports[part % 2] });
    await ines.enter();
    const { page } = ines;
    const strays: string[] = [];
    page.on('dialog', (dialog) => (strays.push(dialog.message()), dialog.dismiss()));
    page.on('popup', (popup) => strays.push(popup.url()));
    page.on('request', (request) => {
      if (!request.url().startsWith(hubbub.url)) strays.push(request.url());
    });

    // Whatever comes into the page is looked at when it comes, for rows go as others come.
    await page.evaluate(() => {
      const seen: Seen = { links: 0, problems: [] };
      Object.assign(window, { seen });
      const never = 'script, iframe, object, embed, form form, base, meta[http-equiv], template, math, svg a, style, link';
      const look = (element: Element): void => {
        for (const link of element.querySelectorAll<HTMLAnchorElement>('article a')) {
          seen.links++;
          const href = link.getAttribute('href') ?? '';
          const away = /^(https?:\/\/[^@/]+(\/|$)|mailto:)/.test(href);
          if (!away && !/^\/r\/[^/?#]+$/.test(href)) seen.problems.push(`a link to ${href}`);
          if (away && (link.target !== '_blank' || !link.rel.includes('noopener'))) seen.problems.push(`a link with ${link.rel}`);
        }
        for (const stray of element.querySelectorAll('article :is(img, input, [style*="url"], ' + never + ')')) {
          seen.problems.push(stray.outerHTML.slice(0, 200));
        }
        for (const each of element.querySelectorAll('article *')) {
          for (const { name } of each.attributes) if (name.startsWith('on')) seen.problems.push(`${name} on ${each.tagName}`);
        }
      };
      new MutationObserver((changes) => {
        // A text of many parts comes as many changes to the same row: that is looked at once, with all that is in it.
        const changed = [...new Set(changes.map(({ target }) => (target instanceof Element ? (target.closest('article')?.parentElement ?? target) : document.body)))];
        for (const one of changed) if (!changed.some((other) => other !== one && other.contains(one))) look(one);
      }).observe(document.body, { childList: true, subtree: true });
    });

    const robot = new WebSocket(`${hubbub.socket}/?name=robot`);
    await once(robot, 'open');
    for (const [i, { what, text }] of hostile.entries()) {
      if (i % parts !== part) continue;
      robot.send(fitting(text));
      robot.send(`after ${i}`);
      await expect(ines.text(`after ${i}`), what).toBeVisible();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wide, `${what} makes the page wide`).toBeLessThanOrEqual(0);
    }
    robot.close();

    const seen = await page.evaluate(() => (window as unknown as { seen: Seen }).seen);
    expect([...new Set(seen.problems)]).toEqual([]);
    expect(strays).toEqual([]);
    // The page is as usable as before.
    await ines.say('still here');
    await expect(ines.text('still here')).toBeVisible();
    await expect(ines.composer).toBeInViewport({ ratio: 1 });
  });
}
