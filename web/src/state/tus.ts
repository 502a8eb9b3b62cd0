import type { DetailedError, Upload } from 'tus-js-client';
import type { Failure, Heard, Transport } from '../lib/uploads.ts';

const endpoint = '/api/uploads';
/** A piece small enough that a proxy which holds pieces back does not hold back all. */
const piece = 8 * 1024 * 1024;
/** Answers after which the same upload goes on: it is busy, elsewhere, or the server is. */
const passing = new Set([0, 408, 409, 423, 429, 460]);

/** An upload of hubbub's own server, by tus. What can be told of a file beside its bytes comes first. */
export function tusTransport(
  file: File,
  describe: () => Promise<Record<string, string>>,
  heard: Heard,
): Transport {
  let upload: Upload | undefined;
  /** What was stopped while it was still being prepared does not begin. */
  let turn = 0;

  async function make(): Promise<Upload> {
    const [tus, metadata] = await Promise.all([import('tus-js-client'), describe()]);
    return new tus.Upload(file, {
      endpoint,
      chunkSize: piece,
      metadata,
      retryDelays: null, // it is told when to go on
      // The bytes are gone with the page, so nothing needs to be found again by the next one.
      storeFingerprintForResuming: false,
      onProgress: (sent) => heard.progress(sent),
      onSuccess: () => heard.done(idOf(upload)),
      onError: (error) => {
        const failure = read(error);
        if (!failure.passing && upload) upload.url = null;
        heard.failed(failure);
      },
    });
  }

  async function begin(): Promise<void> {
    const mine = ++turn;
    try {
      // The first byte is asked for, as folders and files that were moved have none.
      await file.slice(0, 1).arrayBuffer();
    } catch {
      if (mine === turn) heard.failed({ passing: false, code: 'unreadable', message: '' });
      return;
    }
    try {
      const made = upload ?? (await make());
      upload ??= made;
    } catch {
      // Without a connection the library cannot be fetched either.
      if (mine === turn) heard.failed({ passing: true });
      return;
    }
    if (mine === turn) upload.start();
  }

  return {
    start: () => void begin(),
    stop() {
      turn++;
      void upload?.abort().catch(() => undefined);
    },
    drop() {
      turn++;
      // It expires, where this does not reach the server.
      void upload?.abort(true).catch(() => undefined);
    },
  };
}

const idOf = (upload: Upload | undefined): string =>
  decodeURIComponent(upload?.url?.split('/').at(-1) ?? '');

function read(error: Error | DetailedError): Failure {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  const status = response?.getStatus() ?? 0;
  if (status >= 500 || passing.has(status)) return { passing: true };
  try {
    const { code, message } = (
      JSON.parse(response?.getBody() ?? '') as { error: { code: string; message: string } }
    ).error;
    return { passing: false, code, message };
  } catch {
    // Something between us and the server answered.
    return { passing: false, code: status === 413 ? 'proxy' : 'unknown', message: '' };
  }
}
