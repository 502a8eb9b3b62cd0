const first = 1_000;
const rarely = 60_000;

/**
 * Asks again and again for style sheets that could not be fetched, in milliseconds as above.
 * What loads a part of the page later asks for its style once, whatever comes of it: a part
 * that was wanted without a connection would stand there without its style ever after.
 */
export function keepStyles(): void {
  const again = ({ target: link }: Event) => {
    if (!(link instanceof HTMLLinkElement) || link.rel !== 'stylesheet') return;
    const pause = Number(link.dataset.pause ?? first);
    setTimeout(() => {
      const next = link.cloneNode() as HTMLLinkElement;
      next.dataset.pause = String(Math.min(2 * pause, rarely));
      link.replaceWith(next);
    }, pause);
  };
  document.addEventListener('error', again, true); // such events do not bubble
}
