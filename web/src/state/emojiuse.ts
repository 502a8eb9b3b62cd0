import type { Emoji, SkinTone } from '../lib/emoji.ts';
import { afterUse } from '../lib/recentemoji.ts';
import { remember, remembered } from './memory.ts';

/** The skin that somebody chose in the picker. */
export function skinTone(): SkinTone {
  return Math.min(5, Number(remembered('hubbub.emoji.tone')) || 0) as SkinTone;
}

/** The picker shows first what was used last, wherever it was used. */
export function usedEmoji(emoji: Emoji): void {
  const key = 'hubbub.emoji';
  remember(key, afterUse(remembered(key), emoji.text));
}
