import type { Ceremony } from './api.ts';

/** Passkeys in the browser. It needs a secure context, and a browser that reads the JSON forms. */
export function canPasskey(): boolean {
  return (
    typeof PublicKeyCredential !== 'undefined' &&
    'parseCreationOptionsFromJSON' in PublicKeyCredential &&
    isSecureContext
  );
}

/** Has the device make a key. */
export async function createPasskey({ options }: Ceremony): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options.publicKey as PublicKeyCredentialCreationOptionsJSON,
  );
  return answer(await navigator.credentials.create({ publicKey }));
}

/** Has the device sign with a key that the person chooses. */
export async function usePasskey({ options }: Ceremony): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options.publicKey as PublicKeyCredentialRequestOptionsJSON,
  );
  return answer(await navigator.credentials.get({ publicKey }));
}

function answer(credential: Credential | null): unknown {
  if (!(credential instanceof PublicKeyCredential)) {
    throw new DOMException('no passkey was chosen', 'AbortError');
  }
  return credential.toJSON();
}

/** Whether somebody only closed the browser's window. */
export function wasCancelled(error: unknown): boolean {
  return error instanceof DOMException && ['NotAllowedError', 'AbortError'].includes(error.name);
}
