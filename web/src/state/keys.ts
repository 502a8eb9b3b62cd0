import type { App } from './app.svelte.ts';

const apple = /Mac|iP(hone|ad|od)/.test(navigator.platform);

/** How the shortcut is written on this device. */
export const jumpKeys = apple ? '⌘ K' : 'Ctrl K';

/** The shortcuts that work everywhere on the page. */
export function pressed(event: KeyboardEvent, app: App): void {
  if (app.phase !== 'ready' || event.isComposing) return;
  const command = apple ? event.metaKey : event.ctrlKey;
  if (command && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    if (app.router.panel === 'jump') app.router.close();
    else app.router.open('jump');
  } else if (event.altKey && !command && !event.shiftKey && !app.router.panel) {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    app.step(event.key === 'ArrowUp' ? -1 : 1);
  }
}
