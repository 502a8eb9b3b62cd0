/** When somebody does not want to be disturbed. */
export interface Silence {
  /** Until when; -1: until further notice; 0: not now. */
  until: number;
  hours: Hours | null;
}

/** The same hours of each day: "22:00" to "07:00" in "Europe/Zurich". */
export interface Hours {
  from: string;
  to: string;
  zone: string;
}

const morning = 8;
/** Whoever is up so late calls the morning that comes tomorrow. */
const late = 4;

const minutes = (clock: string): number => {
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  return hour * 60 + minute;
};

/** How late it is in a zone, in minutes. */
function clockIn(zone: string, now: number): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return minutes(parts.format(now));
}

function inHours({ from, to, zone }: Hours, now: number): boolean {
  const [begin, end] = [minutes(from), minutes(to)];
  let at: number;
  try {
    at = clockIn(zone, now);
  } catch {
    return false; // a zone that this browser does not know
  }
  return begin <= end ? at >= begin && at < end : at >= begin || at < end;
}

/** What keeps alerts away now: a pause, or the hours of the day. */
export function silentBy({ until, hours }: Silence, now: number): 'pause' | 'hours' | undefined {
  if (until === -1 || until > now) return 'pause';
  return hours && inHours(hours, now) ? 'hours' : undefined;
}

/** The next morning. */
export function tomorrow(now: number): number {
  const date = new Date(now);
  const days = date.getHours() < late ? 0 : 1;
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days, morning).getTime();
}
