/** Three rows of the picker. */
const most = 24;

/** The emoji somebody used last, from what this browser kept. */
export function recentEmoji(saved: string): string[] {
  return saved.split(' ').filter(Boolean).slice(0, most);
}

/** What to keep after somebody used an emoji: it is the last one now. */
export function afterUse(saved: string, emoji: string): string {
  return [emoji, ...recentEmoji(saved).filter((other) => other !== emoji)].slice(0, most).join(' ');
}

/** Where the arrow keys lead in a grid of that many cells; the cell itself where they lead out. */
export function moveInGrid(at: number, key: string, cells: number, columns: number): number {
  const to: Record<string, number> = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - columns,
    ArrowDown: at + columns,
    Home: at - (at % columns),
    End: Math.min(at - (at % columns) + columns - 1, cells - 1),
    PageUp: at - columns * Math.min(4, Math.floor(at / columns)),
    PageDown: at + columns * Math.min(4, Math.floor((cells - 1 - at) / columns)),
  };
  const wanted = to[key] ?? at;
  if (wanted >= 0 && wanted < cells) return wanted;
  // Below the last whole row there may be a shorter one.
  const lower = Math.floor((cells - 1) / columns) > Math.floor(at / columns);
  return key === 'ArrowDown' && lower ? cells - 1 : at;
}
