import type { App } from './app.svelte.ts';

const apple = /Mac|iP(hone|ad|od)/.test(navigator.platform);

/** How the key for commands is written on this device. */
export const commandKey = apple ? '⌘' : 'Ctrl';
export const altKey = apple ? '⌥' : 'Alt';
export const shiftKey = apple ? '⇧' : 'Shift';
/** How the shortcut is written on this device. */
export const jumpKeys = `${commandKey} K`;

export const searchKeys = `${commandKey} ${shiftKey} F`;

export const wireKeys = `${commandKey} ${shiftKey} Y`;

/** The shortcuts that work everywhere on the page. */
export function pressed(event: KeyboardEvent, app: App): void {
  if (app.phase !== 'ready' || event.isComposing || event.keyCode === 229) return;
  const { key, altKey: alt, shiftKey: shift } = event;
  const command = apple ? event.metaKey : event.ctrlKey;
  const { panel } = app.router;
  if (command && !alt && !shift && key.toLowerCase() === 'k') toggle(event, app, 'jump');
  else if (command && !alt && shift && key.toLowerCase() === 'f') {
    event.preventDefault();
    app.search();
  } else if (command && !alt && shift && key.toLowerCase() === 'y') {
    event.preventDefault();
    app.toggleWire();
  }
  // Where the slash is above a digit, Shift writes it.
  else if (command && !alt && key === '/') toggle(event, app, 'help');
  else if (alt && !command && (!panel || panel === 'thread')) {
    if (key !== 'ArrowUp' && key !== 'ArrowDown') return;
    event.preventDefault();
    app.step(key === 'ArrowUp' ? -1 : 1, shift);
  } else if (key === 'Escape' && !alt && !command) {
    if (!shift) escape(event, app);
    else if (!document.querySelector('dialog[open], :popover-open')) {
      event.preventDefault();
      void app.readAll();
    }
  }
}

function toggle(event: KeyboardEvent, app: App, panel: 'jump' | 'help'): void {
  event.preventDefault();
  if (app.router.panel === panel) app.router.close();
  else app.router.open(panel);
}

/** What is open over the page closes by itself, and whoever used the key already says so. */
function escape(event: KeyboardEvent, app: App): void {
  if (event.defaultPrevented || document.querySelector('dialog[open], :popover-open')) return;
  const target = event.target instanceof Element ? event.target : undefined;
  if (!app.cancel(!!target?.closest('[data-thread-panel]'))) return;
  event.preventDefault();
  document.querySelector<HTMLElement>('main textarea')?.focus();
}
