// What can be told of a message without the parser, which is loaded with the first message that needs it.

// Anything that could begin markup. A few texts without any are parsed in vain, which only costs time.
const inside =
  /[*_`[|@#\\\0]|~~|<[a-z/!?]|&#?\w+;|:\/\/|\bmailto:|(?:^|[^a-z0-9])www\.|:[a-z0-9_+-]+:/i;
const line = /^(?: {4}| {0,3}\t|[ \t]*(?:>|(?:[-+]|\d{1,9}[.)])(?:\s|$)|[-=:][-=: \t]*$))/m;

/** Whether a text means just what it says: no Markdown, no link, no mention. */
export function isPlain(text: string): boolean {
  return !inside.test(text) && !line.test(text);
}

const emojiName = /:[a-z0-9_+-]+:/i;

/** Whether a text may hold an emoji by its name, so that the list of them is wanted. */
export function mayNameEmoji(text: string): boolean {
  return emojiName.test(text);
}

const pictograph = String.raw`(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f)`;
const part = String.raw`(?:${pictograph}|\p{Emoji_Modifier_Base})\p{Emoji_Modifier}?[\u{e0020}-\u{e007f}]*`;
const joined = String.raw`(?:${pictograph}|\p{Extended_Pictographic})(?:\p{Emoji_Modifier}|\ufe0f)?`;
const cluster = String.raw`(?:\p{Regional_Indicator}{2}|[#*0-9]\ufe0f?\u20e3|${part}(?:\u200d${joined})*)`;
const few = new RegExp(String.raw`^\s*${cluster}(?:\s*${cluster}){0,2}\s*$`, 'u');
/** Families are long; three of them are not longer. */
const longest = 120;

/** Whether a text is one to three emoji and nothing else: they are shown large. */
export function isJumbo(text: string): boolean {
  return text.length <= longest && few.test(text);
}
