import type { Mention, Reaction, RoomEvent } from './wire.ts';

/**
 * A message after something came to it: an edit, a reaction, a reply in its thread. What the message
 * knows already changes nothing, since it may have been read after the change, and changes come again
 * when older history is put in front of them. The same object means that nothing changed.
 */
export function apply(message: RoomEvent, change: RoomEvent): RoomEvent {
  if (change.kind === 'message') return reply(message, change);
  switch (change.kind) {
    case 'edit':
    case 'delete':
      return revise(message, change);
    case 'react':
      return react(message, change.text, { id: change.author, name: change.name }, true);
    case 'unreact':
      return react(message, change.text, { id: change.author, name: change.name }, false);
    case 'preview':
    case 'unpreview':
      return preview(message, change);
    case 'pin':
      return message.pinned ? message : { ...message, pinned: true };
    case 'unpin': {
      const { pinned, ...rest } = message;
      return pinned ? rest : message;
    }
  }
  return message;
}

/** Counts a reply: those up to `last_reply` are counted already. */
function reply(message: RoomEvent, { seq, thread }: RoomEvent): RoomEvent {
  if (thread !== message.seq || seq <= (message.last_reply ?? 0)) return message;
  return { ...message, replies: (message.replies ?? 0) + 1, last_reply: seq };
}

function revise(message: RoomEvent, change: RoomEvent): RoomEvent {
  if (change.seq < (message.revised ?? 0)) return message;
  // History tells what a message became, and only the change itself who made it.
  const about: Mention | undefined = change.kind === 'delete' ? change.about : undefined;
  if (change.seq === message.revised) return about ? { ...message, about } : message;
  // Where its links led is said anew of what it reads like now.
  const { previews, ...kept } = message;
  if (change.kind === 'edit') {
    // Without a word of files all of them stay.
    const { files = kept.files } = change;
    return { ...kept, text: change.text, revised: change.seq, ...(files ? { files } : {}) };
  }
  const { reactions, pinned, mentions, everyone, files, ...rest } = kept;
  return {
    ...rest,
    text: '',
    revised: change.seq,
    deleted: true,
    ...(about ? { about } : {}),
  };
}

/** A message with where its links lead, or without. What was said of earlier words of it is over. */
function preview(message: RoomEvent, { kind, seq, previews = [] }: RoomEvent): RoomEvent {
  if (message.deleted || seq < (message.revised ?? 0)) return message;
  const { previews: _, ...rest } = message;
  return kind === 'preview' && previews.length > 0 ? { ...rest, previews } : rest;
}

/** A message with one reaction more or less. Each keeps the place of its first. */
export function react(message: RoomEvent, emoji: string, person: Mention, on: boolean): RoomEvent {
  const all = message.reactions ?? [];
  const known = all.find((reaction) => reaction.emoji === emoji);
  const has = known?.people.some(({ id }) => id === person.id) === true;
  if (has === on || message.deleted) return message;
  const change = (reaction: Reaction): Reaction => ({
    emoji,
    people: on
      ? [...reaction.people, person]
      : reaction.people.filter(({ id }) => id !== person.id),
  });
  const changed = known
    ? all.map((reaction) => (reaction === known ? change(reaction) : reaction))
    : [...all, change({ emoji, people: [] })];
  const reactions = changed.filter(({ people }) => people.length > 0);
  const { reactions: _, ...rest } = message;
  return reactions.length > 0 ? { ...rest, reactions } : rest;
}
