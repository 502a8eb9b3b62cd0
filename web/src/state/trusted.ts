interface Policy {
  createScriptURL(url: string): unknown;
}

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy;
}

/** The one policy of the page's own: the server allows its name, and it allows our own scripts. */
const policy = (globalThis as { trustedTypes?: Policies }).trustedTypes?.createPolicy('hubbub', {
  createScriptURL: ownScript,
});

/** The address of one of our own scripts, in the form in which browsers take it for a worker. */
export function scriptUrl(url: string): string {
  // Where there are trusted types, it is an object that TypeScript takes for the text it was.
  return policy ? (policy.createScriptURL(url) as string) : ownScript(url);
}

function ownScript(url: string): string {
  const { origin, protocol, href } = new URL(url, location.href);
  if (origin !== location.origin || !/^https?:$/.test(protocol)) {
    throw new TypeError('only scripts of our own are run');
  }
  return href;
}
