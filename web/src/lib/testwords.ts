import { en } from '../lang/en.ts';
import { makeWords } from './i18n.ts';

/** The words of tests. */
export const english = makeWords('en-GB', en);
