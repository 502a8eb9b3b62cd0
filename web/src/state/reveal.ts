import type { VirtualizerHandle } from 'virtua/svelte';

export const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

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
