import type { VirtualizerHandle } from 'virtua/svelte';

export const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

const patience = 30;

/**
 * Gives the focus to what is drawn for the first time: it is hidden until it was measured, and loses the
 * focus when rows are put before it. Whoever moves the focus meanwhile keeps it.
 */
export async function focusSoon(
  find: () => HTMLElement | null | undefined,
  how?: FocusOptions,
): Promise<void> {
  let had = false;
  for (let n = 0; n < patience; n++) {
    const wanted = find();
    const { activeElement: now, body } = document;
    if (had && now !== wanted && now !== body) return;
    if (now !== wanted) wanted?.focus(how);
    had ||= !!wanted && document.activeElement === wanted;
    await nextFrame();
  }
}

/**
 * What had the focus is gone: gives it to where one came from, or to where one writes, which on a phone would
 * open the keyboard. Whoever has moved it meanwhile keeps it.
 */
export function returnFocus(from: Element | null): void {
  if (document.activeElement !== document.body) return;
  const typed = matchMedia('(pointer: fine)').matches;
  const home = typed ? 'main textarea[enterkeyhint]' : 'main [role=log]';
  const there = from instanceof HTMLElement && from !== document.body && from.isConnected;
  (there ? from : document.querySelector<HTMLElement>(home))?.focus();
}

/** The beginning of a row is on screen. */
export function beginsWithin(frame: HTMLElement, row: Element | null): boolean {
  const top = row?.getBoundingClientRect().top ?? Number.NaN;
  const { top: first, bottom: last } = frame.getBoundingClientRect();
  return top >= first && top < last;
}

const steps = 3;

/** Scrolls to a row. Rows that were never drawn have no height yet, so one step is not enough. */
export async function reveal(
  list: VirtualizerHandle | undefined,
  index: number,
  align: 'center' | 'nearest',
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    list?.scrollToIndex(index, { align });
    await nextFrame();
  }
}
