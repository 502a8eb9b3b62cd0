import { fieldsOf } from '../lib/wirebits.ts';
import type { Entry, FrameEntry, FrameRecord } from '../lib/wirelog.ts';
import { clockOf, dump, pretty, visible } from '../lib/wiretext.ts';
import type { Chat } from './chat.svelte.ts';
import { w } from './wire.svelte.ts';
import { kindOf, knownOf, say, wayOf, whose } from './wiresay.ts';

const indent = (text: string) => text.replace(/^(?=.)/gm, '    ');

/** What is shown of entries, as a text to keep. Secrets were masked before they came into the log. */
export function fileOf(entries: readonly Entry[], chat: Chat): string {
  const title = w('file.title', { when: new Date().toISOString() });
  return [`${title}\n${w('file.masked')}\n`, ...entries.map((e) => entryText(e, chat))].join('\n');
}

/** The same of one entry. */
export function entryText(entry: Entry, chat: Chat): string {
  const parts = [clockOf(entry.at), whose(entry), kindOf(entry), wayOf(entry)];
  const lines = [parts.filter((part) => part !== '').join('  '), say(entry, knownOf(chat))];
  if (entry.kind === 'dial') {
    const { request = '', response = '' } = entry.handshake ?? {};
    lines.push(request || w('shake.unreported'), response);
  }
  if (entry.kind === 'frame') lines.push(...frameLines(entry));
  const [first = '', ...rest] = lines.map((line) => visible(line.replaceAll('\r', '').trimEnd()));
  return `${[first, ...rest.filter((line) => line !== '').map(indent)].join('\n')}\n`;
}

function frameLines({ reports, text, fate }: FrameEntry): string[] {
  const without = w(fate ? `frame.fate.${fate}` : 'frame.unreported');
  const headers = reports.length === 0 ? [without] : reports.map(headerLine);
  const bytes = reports.map((report) => report.bytes ?? '').join('');
  return [...headers, text === undefined ? dump(bytes) : (pretty(text) ?? text)];
}

function headerLine({ head, length, unpacked }: FrameRecord): string {
  const fields = fieldsOf(head).map(({ name, value }) => `${w(name)} ${value}`);
  const sizes = [w('frame.onWire', { n: length })];
  if (unpacked !== undefined) sizes.push(w('frame.unpacked', { n: unpacked }));
  return `${fields.join(', ')}  [${head}]  ${sizes.join('; ')}`;
}
