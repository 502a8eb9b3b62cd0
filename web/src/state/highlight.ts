import { deviceClock } from '../lib/clock.ts';
import workerUrl from '../lib/highlight.worker.ts?worker&url';
import { Highlighter, type HighlightWorker } from '../lib/highlighter.ts';
import { scriptUrl } from './trusted.ts';

/** The page's highlighter. Its worker starts with the first code that has a language. */
export const highlighter = new Highlighter(browserWorker, deviceClock);

function browserWorker(): HighlightWorker {
  const real = new Worker(scriptUrl(workerUrl), { type: 'module' });
  const worker: HighlightWorker = {
    onmessage: null,
    onerror: null,
    postMessage: (asked) => real.postMessage(asked),
    terminate: () => real.terminate(),
  };
  real.onmessage = ({ data }) => worker.onmessage?.(data);
  real.onerror = () => worker.onerror?.();
  return worker;
}
