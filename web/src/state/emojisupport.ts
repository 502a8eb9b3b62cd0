/** The first emoji of each version that not every system draws. */
const probes: readonly (readonly [version: number, emoji: string])[] = [
  [17, '🫪'],
  [16, '🫩'],
  [15.1, '🐦‍🔥'],
  [15, '🫨'],
  [14, '🫠'],
];

const size = 24;
let newest: number | undefined;

/** The newest version of Unicode's list of emoji that this system draws. */
export function newestEmoji(): number {
  newest ??= probes.find(([, emoji]) => draws(emoji))?.[0] ?? 13.1;
  return newest;
}

/** A box for what is missing has no colour, and parts that do not join are too wide for one. */
function draws(emoji: string): boolean {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return true;
  context.font = `${size / 2}px ${getComputedStyle(document.body).fontFamily}`;
  if (context.measureText(emoji).width > context.measureText('😀').width * 1.5) return false;
  context.textBaseline = 'top';
  context.fillStyle = '#000';
  context.fillText(emoji, 0, 4);
  const { data } = context.getImageData(0, 0, size, size);
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return true;
  }
  return false;
}
