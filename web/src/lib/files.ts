import type { Words } from './i18n.ts';
import { step } from './request.ts';
import type { RoomEvent, SharedFile } from './wire.ts';

/** What is shown of a file where it is; `file` is a card with a way to save it. */
export type FileKind = 'picture' | 'film' | 'sound' | 'file';

/** Pictures without anything in them that could act. What these files are, the server found out. */
const pictures = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const films = new Set(['video/mp4', 'video/webm', 'video/ogg', 'video/quicktime']);
const sounds = new Set(
  'audio/mpeg audio/mp4 audio/aac audio/ogg audio/wav audio/webm audio/flac'.split(' '),
);

/** So many files a message holds (docs/files.md). */
export const mostFiles = 10;

export function kindOf({ type, width, height }: SharedFile): FileKind {
  if (pictures.has(type)) return width && height ? 'picture' : 'file';
  if (films.has(type)) return 'film';
  return sounds.has(type) ? 'sound' : 'file';
}

/** Whether a file of somebody's own may be shown before the server has looked at it. */
export const mayPreview = (type: string): boolean => pictures.has(type);

/** Where a file is. The name in it is for people who save the address. */
export function addressOf({ id, name }: SharedFile): string {
  return `/api/files/${step(id)}/${step(name.toWellFormed().replace(/^\.+$/, 'file'))}`;
}

/** Where what is shown of a picture is: the small one, if there is one. */
export function shownAddress(file: SharedFile): string {
  return file.thumb ? `/api/files/${step(file.id)}/thumb` : addressOf(file);
}

export interface Box {
  width: number;
  height: number;
}

const alone: Box = { width: 400, height: 300 };
const among: Box = { width: 260, height: 170 };
const least = 44;

/** How large a picture or a film is shown. It is known before anything of it is loaded. */
export function boxOf({ width = 0, height = 0 }: SharedFile, one: boolean): Box {
  const most = one ? alone : among;
  if (width < 1 || height < 1) return { width: most.width, height: (most.width * 9) / 16 };
  const scale = Math.min(1, most.width / width, most.height / height);
  return {
    width: Math.max(least, Math.round(width * scale)),
    height: Math.max(least, Math.round(height * scale)),
  };
}

const units = ['files.kb', 'files.mb', 'files.gb'] as const;

/** "412 KB": of 1,024 bytes, as the server counts its limits. */
export function sizeIn(bytes: number, words: Words): string {
  if (bytes < 1024) return words.t('files.bytes', { n: bytes });
  let unit = 0;
  let size = bytes / 1024;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  const rounded = size < 10 ? Math.round(size * 10) / 10 : Math.round(size);
  return words.t(units[unit] ?? 'files.gb', { size: words.number(rounded) });
}

/** "0:07", "12:40", "1:02:03" */
export function lengthOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** A moment for the name of a file: "2026-11-25 09.41", in the reader's zone. */
export function stampOf(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${two(date.getHours())}.${two(date.getMinutes())}`;
}

const known: Record<string, string> = {
  'text/html': 'HTML',
  'text/xml': 'XML',
  'image/svg+xml': 'SVG',
  'application/pdf': 'PDF',
  'application/postscript': 'PS',
  'application/x-gzip': 'GZ',
  'application/x-rar-compressed': 'RAR',
};

/** A short word for what a file is: what its bytes say, or else what stands behind the dot of its name. */
export function typeIn({ name, type }: SharedFile, words: Words): string {
  const certain = known[type];
  if (certain) return certain;
  const [, end] = /\.([a-z0-9]{1,5})$/i.exec(name) ?? [];
  return end ? end.toUpperCase() : words.t('files.file');
}

const nouns = {
  picture: 'files.aPicture',
  film: 'files.aFilm',
  sound: 'files.aSound',
  file: 'files.aFile',
} as const;

/** What a message holds, for those who listen: "a picture, kitchen.png". */
export function spokenFiles(files: readonly SharedFile[] = [], words: Words): string {
  const said = files.map((file) => words.t(nouns[kindOf(file)], { name: file.name }));
  return words.list(said);
}

/** A message in words, with what it holds. */
export function spoken(text: string, files: readonly SharedFile[] = [], words: Words): string {
  const held = spokenFiles(files, words);
  if (held === '') return text;
  return text === '' ? held : words.t('files.with', { text, files: held });
}

/** A picture that can be looked at large, and whose it is. */
export interface Shown {
  file: SharedFile;
  seq: number;
  author: string;
  name: string;
  time: number;
}

/** The pictures of messages, in their order. */
export function picturesIn(events: readonly RoomEvent[], thread: boolean): Shown[] {
  return events.flatMap(({ kind, seq, author, name, time, files = [], ...event }) =>
    kind === 'message' && (thread || event.thread === undefined)
      ? files
          .filter((file) => kindOf(file) === 'picture')
          .map((file) => ({ file, seq, author, name, time }))
      : [],
  );
}

/** Something somebody wants to add. */
export interface Candidate {
  name: string;
  size: number;
  folder?: boolean;
}

export interface Refused<C> {
  candidate: C;
  why: 'folder' | 'empty' | 'large' | 'many';
}

/** Tells what can be sent from what cannot, before any of it is read. */
export function sift<C extends Candidate>(
  candidates: readonly C[],
  { there, largest }: { there: number; largest: number },
): { taken: C[]; refused: Refused<C>[] } {
  const taken: C[] = [];
  const refused: Refused<C>[] = [];
  for (const candidate of candidates) {
    const why = candidate.folder
      ? 'folder'
      : candidate.size === 0
        ? 'empty'
        : candidate.size > largest
          ? 'large'
          : there + taken.length >= mostFiles
            ? 'many'
            : undefined;
    if (why) refused.push({ candidate, why });
    else taken.push(candidate);
  }
  return { taken, refused };
}

/** Sentences about what was not taken, one for each reason. */
export function refusals(
  refused: readonly Refused<Candidate>[],
  largest: number,
  words: Words,
): string[] {
  const reasons = ['folder', 'empty', 'large', 'many'] as const;
  return reasons.flatMap((reason) => {
    const of = refused.filter(({ why }) => why === reason);
    if (of.length === 0) return [];
    const names = words.list(
      of.map(({ candidate }) => words.t('word.quote', { text: candidate.name })),
    );
    switch (reason) {
      case 'folder':
        return [words.t('files.folder', { n: of.length, names })];
      case 'empty':
        return [words.t('files.empty', { n: of.length, names })];
      case 'large': {
        const sizes = words.list(of.map(({ candidate }) => sizeIn(candidate.size, words)));
        return [
          words.t('files.large', { n: of.length, names, sizes, most: sizeIn(largest, words) }),
        ];
      }
      case 'many':
        return [words.t('files.many', { n: of.length, names, most: mostFiles })];
    }
  });
}
