import type { Chosen } from './tray.svelte.ts';

/** Whether what is held over the page, or pasted, has files in it. */
export const isFiles = (data: DataTransfer | null): data is DataTransfer =>
  data?.types.includes('Files') === true;

/** Files that somebody chose in a list of their own. */
export const chosenFrom = (files: Iterable<File>): Chosen[] =>
  [...files].map((file) => ({ file, name: file.name, size: file.size }));

/** What was dropped or pasted: files, and folders, which are told apart before anything is read. */
export function filesIn(data: DataTransfer): Chosen[] {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  if (items.length === 0) return chosenFrom(data.files);
  return items.flatMap((item) => {
    const entry = item.webkitGetAsEntry();
    const folder = entry?.isDirectory === true;
    const file = item.getAsFile() ?? (folder ? new File([], entry.name) : undefined);
    if (!file) return [];
    return [{ file, name: file.name || (entry?.name ?? ''), size: file.size, folder }];
  });
}

/** Whether a paste is text that brings a picture of itself along, as from a table: the text is meant. */
export const isRichText = (data: DataTransfer): boolean =>
  data.types.includes('text/html') && data.getData('text/plain').trim() !== '';

/**
 * Takes what is dropped anywhere on an element, and says when something is held over it. Returns what
 * ends that.
 */
export function dropZone(
  zone: HTMLElement,
  onover: (over: boolean) => void,
  ondropped: (chosen: Chosen[]) => void,
): () => void {
  const off = new AbortController();
  const { signal } = off;
  const over = (event: DragEvent) => {
    if (!isFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    onover(true);
  };
  zone.addEventListener('dragenter', over, { signal });
  zone.addEventListener('dragover', over, { signal });
  zone.addEventListener(
    'dragleave',
    ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && zone.contains(relatedTarget))) onover(false);
    },
    { signal },
  );
  zone.addEventListener(
    'drop',
    (event) => {
      onover(false);
      if (!isFiles(event.dataTransfer)) return;
      event.preventDefault();
      ondropped(filesIn(event.dataTransfer));
    },
    { signal },
  );
  return () => off.abort();
}
