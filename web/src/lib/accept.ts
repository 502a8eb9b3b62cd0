/** How a server proves that it understood the handshake: RFC 6455, section 4.2.2. */

/** Chosen by RFC 6455, section 1.3, and the same in every handshake. */
export const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The values on the way from a key to its answer. */
export interface Accepted {
  key: string;
  /** The key with the GUID behind it. */
  joined: string;
  /** SHA-1 of that: 20 bytes. */
  digest: Uint8Array;
  /** Those in base64: what `Sec-WebSocket-Accept` must say. */
  accept: string;
}

/**
 * Computes the answer to a key. It has SHA-1 from a library, since the browser's own is missing on plain
 * HTTP beyond this machine.
 */
export async function acceptOf(key: string): Promise<Accepted> {
  const { sha1 } = await import('@noble/hashes/legacy.js');
  const joined = key + guid;
  const digest = sha1(new TextEncoder().encode(joined));
  return { key, joined, digest, accept: btoa(String.fromCharCode(...digest)) };
}
