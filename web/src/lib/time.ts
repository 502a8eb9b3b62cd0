/**
 * Times as the reader writes them, in the reader's zone. Making a formatter is slow, so each is made
 * once.
 */
export interface Times {
  /** A number that is the same for all moments of one day, and different for different days. */
  day(time: number): number;
  /** "Today", "Yesterday", "Friday, November 20", with the year if it is another one. */
  dayLabel(time: number, now: number): string;
  /** "9:41 AM" */
  clock(time: number): string;
  /** "9:41 AM" of today, else with its day: "Friday, November 20, 9:41 AM". */
  moment(time: number, now: number): string;
  /** Everything, for those who point at a time. */
  full(time: number): string;
  /** For machines. */
  iso(time: number): string;
}

export function makeTimes(locale?: string | string[]): Times {
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' });
  const thisYear = new Intl.DateTimeFormat(locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
  });
  const otherYear = new Intl.DateTimeFormat(locale, { dateStyle: 'full' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

  const day = (time: number) => {
    const date = new Date(time);
    return date.getFullYear() * 10_000 + (date.getMonth() + 1) * 100 + date.getDate();
  };
  const yearOf = (time: number) => new Date(time).getFullYear();
  const daysBefore = (now: number, days: number) => {
    const date = new Date(now);
    // Noon exists on every day of every zone; midnight does not.
    return day(new Date(date.getFullYear(), date.getMonth(), date.getDate() - days, 12).getTime());
  };
  const capital = (text: string) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

  const dated = (time: number, now: number) =>
    (yearOf(time) === yearOf(now) ? thisYear : otherYear).format(time);

  return {
    day,
    dayLabel(time, now) {
      const key = day(time);
      if (key === day(now)) return capital(relative.format(0, 'day'));
      if (key === daysBefore(now, 1)) return capital(relative.format(-1, 'day'));
      return capital(dated(time, now));
    },
    moment: (time, now) =>
      day(time) === day(now) ? clock.format(time) : `${dated(time, now)}, ${clock.format(time)}`,
    clock: (time) => clock.format(time),
    full: (time) => full.format(time),
    iso: (time) => new Date(time).toISOString(),
  };
}
