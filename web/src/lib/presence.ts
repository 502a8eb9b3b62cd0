/** Whether somebody is here, and looks at none of their pages. Who is not here is not known to be. */
export type Presence = 'online' | 'away';

export interface Told {
  online?: boolean | undefined;
  away?: boolean | undefined;
}

export const presenceOf = ({ online, away }: Told): Presence | undefined =>
  online ? (away ? 'away' : 'online') : undefined;

/**
 * Who is here: what the connection tells as it happens, and what was asked for of the time before. What was
 * told after something was asked for is newer than the answer.
 */
export class Roll {
  private readonly people = new Map<string, { is: Presence | undefined; at: number }>();

  get(person: string): Presence | undefined {
    return this.people.get(person)?.is;
  }

  /** Takes what is known of somebody as of a time. Says whether that changed anything. */
  set(person: string, told: Told, at: number): boolean {
    const before = this.people.get(person);
    if (before && before.at > at) return false;
    const is = presenceOf(told);
    this.people.set(person, { is, at });
    return before?.is !== is;
  }

  /** Without a connection nothing is known. */
  clear(): void {
    this.people.clear();
  }
}
