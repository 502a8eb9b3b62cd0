/** Puts text on the clipboard; false if the browser does not let us. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is no clipboard but the old way: a selection.
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'unseen';
    const focused = document.activeElement;
    const home = document.querySelector('dialog[open]') ?? document.body;
    home.append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return copied;
  }
}
