import { parseSpan, type CommandName } from '../lib/commands.ts';
import { Names } from '../lib/mentions.ts';
import { roomApi } from '../lib/roomapi.ts';
import { isRoomName, toRoomName } from '../lib/route.ts';
import type { Mention } from '../lib/wire.ts';
import type { App } from './app.svelte.ts';
import type { Chat } from './chat.svelte.ts';
import { allPeople, usage } from './completer.svelte.ts';
import type { Room } from './room.svelte.ts';
import { t } from './words.svelte.ts';

interface Place {
  app: App;
  chat: Chat;
  room: Room;
}

/** Does what a command says. What it answers is for whoever typed it; what it throws, too. */
export async function run(
  command: CommandName,
  rest: string,
  { app, chat, room }: Place,
): Promise<string> {
  switch (command) {
    case 'help':
      app.router.open('help');
      break;
    case 'search':
      app.search(rest);
      break;
    case 'wire':
      app.router.openWire({ tab: 'frames' });
      break;
    case 'join': {
      const name = toRoomName(rest);
      if (!isRoomName(name)) throw new Error(t('create.badName'));
      const joined = await chat.membership.make({ name });
      // Where one has to wait, the room's own page says so.
      if (joined) app.visit(joined);
      else app.goTo(name);
      break;
    }
    case 'leave':
      if (!room.may('leave')) throw new Error(t('command.cannotLeave'));
      await roomApi.leave(room.id);
      break;
    case 'msg': {
      const { person, after } = await somebody(rest, command);
      if (person.id === chat.you.id) throw new Error(t('command.yourself'));
      const talk = await chat.membership.talkTo([person.id]);
      if (!talk) break;
      if (after !== '') chat.writing.send(talk, after.toWellFormed());
      app.visit(talk);
      break;
    }
    case 'topic':
      chat.membership.adopt(await roomApi.change(room.id, { topic: rest.replace(/\s+/g, ' ') }));
      break;
    case 'invite': {
      const { person } = await somebody(rest, command);
      await roomApi.add(room.id, person.id);
      return t('command.invited', { name: person.name });
    }
    case 'mute': {
      const { person, after } = await somebody(rest, command);
      const seconds = parseSpan(after);
      if (after !== '' && seconds === undefined) {
        throw new Error(t('command.lacking', { usage: usage(command) }));
      }
      await roomApi.mute(room.id, person.id, seconds === undefined ? {} : { for: seconds });
      return t('command.muted', { name: person.name });
    }
    case 'nick':
      await chat.rename(rest);
      return t('command.nicked', { name: chat.you.name });
  }
  return '';
}

/** Who is meant at the beginning of a text, and what stands behind the name. Names may hold spaces. */
async function somebody(
  rest: string,
  command: CommandName,
): Promise<{ person: Mention; after: string }> {
  const from = rest.startsWith('@') ? 1 : 0;
  const people = await allPeople(true);
  const typed = new Names(people).at(rest, from);
  const person = people.find(({ id }) => id === typed?.id);
  if (typed && person) return { person, after: rest.slice(from + typed.name.length).trim() };
  const name = rest.slice(from).split(/\s/, 1)[0] ?? '';
  if (name === '') throw new Error(t('command.lacking', { usage: usage(command) }));
  throw new Error(t('command.nobody', { name }));
}
