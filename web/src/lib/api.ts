import { request, UnreachableError } from './request.ts';
import type { Hours } from './silence.ts';
import { isYou, type Keep, type Role, type You } from './wire.ts';

/** Coming in, one's own account, and who else is here (docs/protocol.md, section 3). */

/** How somebody comes in who is not here yet. */
export interface Place {
  guests: 'invited' | 'open' | 'none';
  needs_invite: boolean;
  passkeys: boolean;
  provider: string | null;
  you: You | null;
  /** How long messages are kept, where a room does not say otherwise. */
  keep?: Keep;
  /** Whether the server looks where links lead. */
  previews?: boolean;
}

export interface Passkey {
  id: string;
  label: string;
  created: string;
  used: string | null;
}

export interface Account {
  you: You;
  password: boolean;
  passkeys: Passkey[];
  picture: string;
  /** Others may see what one has read. Servers before there was a choice do not say. */
  share_reads?: boolean;
  silent_until?: number;
  quiet_hours?: Hours | null;
}

export interface Session {
  id: string;
  device: string;
  created: string;
  used: string;
  this: boolean;
  online: boolean;
}

export interface Invite {
  id: string;
  role: Role;
  room?: string;
  by?: string;
  uses: number;
  used: number;
  expires: string | null;
  note?: string;
  link?: string;
  qr?: string;
}

export interface Person extends You {
  account: boolean;
  bot?: boolean;
  picture?: string;
  used: string | null;
}

/** A link with its picture. */
export interface Link {
  link: string;
  qr: string;
  expires: string;
}

/** What a passkey is asked, and the secret of the asking. */
export interface Ceremony {
  options: { publicKey: unknown };
  ceremony: string;
}

const readYou = (answer: unknown): You => {
  const { you } = answer as { you: unknown };
  if (!isYou(you)) throw new UnreachableError();
  return you as You;
};

export const api = {
  async place(): Promise<Place> {
    const place = (await request('GET', '/api/place')) as Place;
    if (place.you !== null && !isYou(place.you)) throw new UnreachableError();
    return place;
  },

  async setGuests(guests: Place['guests']): Promise<void> {
    await request('PATCH', '/api/place', { guests });
  },

  async enter(name: string, invite = '', password = ''): Promise<You> {
    return readYou(await request('POST', '/api/guests', { name, invite, password }));
  },

  async signIn(name: string, password: string): Promise<You> {
    return readYou(await request('POST', '/api/sign-in', { name, password }));
  },

  async signInByLink(link: string): Promise<You> {
    return readYou(await request('POST', '/api/sign-in/link', { link }));
  },

  async beginSignIn(): Promise<Ceremony> {
    return (await request('POST', '/api/sign-in/passkey/begin', {})) as Ceremony;
  },

  async signInByPasskey(ceremony: string, credential: unknown): Promise<You> {
    return readYou(await request('POST', '/api/sign-in/passkey', { ceremony, credential }));
  },

  async signOut(): Promise<void> {
    await request('POST', '/api/sign-out');
  },

  async account(): Promise<Account> {
    return (await request('GET', '/api/me')) as Account;
  },

  async setPassword(current: string, password: string): Promise<You> {
    return readYou(await request('PUT', '/api/me/password', { current, password }));
  },

  async beginPasskey(): Promise<Ceremony> {
    return (await request('POST', '/api/me/passkeys/begin', {})) as Ceremony;
  },

  async addPasskey(ceremony: string, credential: unknown, label: string): Promise<You> {
    return readYou(await request('POST', '/api/me/passkeys', { ceremony, credential, label }));
  },

  async removePasskey(id: string): Promise<void> {
    await request('DELETE', '/api/me/passkeys', { id });
  },

  async setPicture(picture: Blob): Promise<string> {
    return ((await request('PUT', '/api/me/picture', picture)) as { picture: string }).picture;
  },

  async removePicture(): Promise<void> {
    await request('DELETE', '/api/me/picture');
  },

  async sessions(): Promise<Session[]> {
    return ((await request('GET', '/api/me/sessions')) as { sessions: Session[] }).sessions;
  },

  async endSession(id: string): Promise<void> {
    await request('DELETE', `/api/me/sessions/${encodeURIComponent(id)}`);
  },

  async endOtherSessions(): Promise<void> {
    await request('DELETE', '/api/me/sessions');
  },

  async deviceLink(): Promise<Link> {
    return (await request('POST', '/api/me/link')) as Link;
  },

  async lookAtInvite(invite: string): Promise<{ role: Role; room: string; by: string }> {
    const seen = await request('POST', '/api/invites/look', { invite });
    return seen as { role: Role; room: string; by: string };
  },

  async acceptInvite(invite: string): Promise<{ you: You; room: string }> {
    return (await request('POST', '/api/me/invite', { invite })) as { you: You; room: string };
  },

  async invites(): Promise<Invite[]> {
    return ((await request('GET', '/api/invites')) as { invites: Invite[] }).invites;
  },

  async addInvite(wish: {
    role: Role;
    room: string;
    uses: number;
    expires: number;
    note: string;
  }): Promise<Invite> {
    return ((await request('POST', '/api/invites', wish)) as { invite: Invite }).invite;
  },

  async revokeInvite(id: string): Promise<void> {
    await request('DELETE', `/api/invites/${encodeURIComponent(id)}`);
  },

  async people(which: '' | '?with=picture' = ''): Promise<Person[]> {
    return ((await request('GET', `/api/people${which}`)) as { people: Person[] }).people;
  },

  async setRole(id: string, role: Role): Promise<void> {
    await request('PATCH', `/api/people/${encodeURIComponent(id)}`, { role });
  },

  async removePerson(id: string): Promise<void> {
    await request('DELETE', `/api/people/${encodeURIComponent(id)}`);
  },

  async setShareReads(share: boolean): Promise<void> {
    await request('PATCH', '/api/me', { share_reads: share });
  },

  async rename(name: string): Promise<You> {
    return readYou(await request('PATCH', '/api/me', { name }));
  },
};
