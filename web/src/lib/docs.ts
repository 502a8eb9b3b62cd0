import { DocCache } from './doccache.ts';
import { parse } from './markdown.ts';

/** What the page's messages were read as. */
export const docs = new DocCache(parse);
