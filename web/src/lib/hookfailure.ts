import type { Failure } from './hooksapi.ts';
import type { PlainKey, Words } from './i18n.ts';

/** What the server writes of a delivery that failed, and the page's words for it. */
const reasons: Record<string, PlainKey> = {
  'it answered with a redirect, which is not followed': 'failure.redirect',
  'its address is not a public one': 'failure.private',
  'its name is not known': 'failure.name',
  'its certificate is not valid': 'failure.certificate',
  'it did not answer in time': 'failure.late',
  'it could not be reached': 'failure.unreached',
  'who made this hook, or its bot, may not read the room any more': 'failure.rights',
};

/** Why a delivery failed; in the server's own words where the page has none. */
export function whyFailed({ error, status }: Failure, words: Words): string {
  const key = Object.hasOwn(reasons, error) ? reasons[error] : undefined;
  if (key) return words.t(key);
  const said = /^it answered \d+ ?(.*)$/.exec(error)?.[1];
  if (status === undefined || said === undefined) return error;
  return words.t('failure.status', { status: `${status} ${said}`.trim() });
}
