import type { VirtualizerHandle } from 'virtua/svelte';

export const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

const patience = 30;

/** Gives the focus to what is drawn for the first time: it is hidden until it was measured. */
export async function focusSoon(
  find: () => HTMLElement | null | undefined,
  how?: FocusOptions,
): Promise<void> {
  for (let n = 0; n < patience; n++) {
    const wanted = find();
    wanted?.focus(how);
    if (wanted && document.activeElement === wanted) return;
    await nextFrame();
  }
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
