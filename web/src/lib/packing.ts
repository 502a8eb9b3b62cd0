/** Packed messages: RFC 7692, without context takeover, so that each message is packed by itself. */

/** The four bytes that end a packed message and are not sent: RFC 7692, section 7.2.1. */
const tail = [0, 0, 0xff, 0xff];
/** An empty last block, without which a stream does not end. */
const end = [1, 0, 0, 0xff, 0xff];

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: GenericTransformStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform as ReadableWritablePair);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Unpacks the payload of a packed message; rejects what is none. */
export async function unpack(payload: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const whole = Uint8Array.from([...payload, ...tail, ...end]);
  return through(whole, new DecompressionStream('deflate-raw'));
}

/**
 * Packs a text as a browser does for a message of so many bytes. A page is not shown what its browser
 * sends, so this is packed again: the length, and that it unpacks to the text, say that it is right.
 * Undefined if this browser packs otherwise.
 */
export async function pack(text: string, length: number): Promise<Uint8Array | undefined> {
  const bytes = new TextEncoder().encode(text);
  const packed = await through(bytes, new CompressionStream('deflate-raw'));
  const [first] = packed;
  if (first === undefined) return undefined;
  // The stream ends with its block; a message goes on with an empty one, which may need another byte.
  packed[0] = first & ~1;
  const payload = packed.length + 1 === length ? Uint8Array.from([...packed, 0]) : packed;
  if (payload.length !== length) return undefined;
  const back = await unpack(payload).catch(() => undefined);
  return back && new TextDecoder().decode(back) === text ? payload : undefined;
}

/** The payload of a message as it stands on the wire before it is masked; undefined if it cannot be shown. */
export async function payloadOf(
  text: string,
  { rsv1, length }: { rsv1: boolean; length: number },
): Promise<Uint8Array | undefined> {
  if (rsv1) return pack(text, length);
  const bytes = new TextEncoder().encode(text);
  return bytes.length === length ? bytes : undefined;
}
