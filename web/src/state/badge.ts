import { badgedIcon } from '../lib/badge.ts';

interface Badged {
  setAppBadge?: (count: number) => Promise<void>;
  clearAppBadge?: () => Promise<void>;
}

const plain = '/favicon.svg';

/** Shows on the icons of the page, in its tab and where it is installed, how much is unread. */
export function badge(count: number): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link) link.href = count > 0 ? badgedIcon(count) : plain;
  const app: Badged = navigator;
  const done = count > 0 ? app.setAppBadge?.(count) : app.clearAppBadge?.();
  done?.catch(() => undefined); // where the page is not installed there is no icon
}
