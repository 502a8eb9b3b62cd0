import { mayPreview } from '../lib/files.ts';

/** What can be told of a file by looking at it here. */
export interface Measures {
  width?: number;
  height?: number;
  /** In milliseconds. */
  duration?: number;
}

const patience = 4_000;

/** Looks at a picture, a film or a sound. Whatever else it is has no measures. */
export function measure(type: string, address: string): Promise<Measures> {
  const late = new Promise<Measures>((resolve) => setTimeout(() => resolve({}), patience));
  return Promise.race([look(type, address), late]);
}

function look(type: string, address: string): Promise<Measures> {
  return new Promise((resolve) => {
    const nothing = () => resolve({});
    if (mayPreview(type)) {
      const picture = new Image();
      picture.onload = () =>
        resolve({ width: picture.naturalWidth, height: picture.naturalHeight });
      picture.onerror = nothing;
      picture.src = address;
    } else if (/^(video|audio)\//.test(type)) {
      const film = document.createElement('video');
      film.preload = 'metadata';
      film.onloadedmetadata = () => {
        const { videoWidth: width, videoHeight: height, duration } = film;
        resolve({
          ...(width && height ? { width, height } : {}),
          ...(Number.isFinite(duration) ? { duration: Math.round(duration * 1000) } : {}),
        });
        film.removeAttribute('src');
        film.load();
      };
      film.onerror = nothing;
      film.src = address;
    } else nothing();
  });
}
