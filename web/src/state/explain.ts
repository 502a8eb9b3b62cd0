import { ApiError, UnreachableError } from '../lib/request.ts';
import { speech, t } from './words.svelte.ts';

/** Why a file was not uploaded. */
export function explainFile(problem: { code: string; message: string } | undefined): string {
  if (!problem || problem.code === 'unknown') return t('error.unknown');
  if (problem.code === 'unreadable') return t('files.unreadable');
  if (problem.code === 'proxy') return t('files.proxy');
  return speech.now.error(problem.code, problem.message);
}

/** The words for an error of the HTTP interface. */
export function explain(error: unknown): string {
  if (error instanceof UnreachableError) return t('error.unreachable');
  if (!(error instanceof ApiError))
    return error instanceof Error ? error.message : t('error.unknown');
  const said = speech.now.error(error.code, error.message);
  const wait = error.retryAfter;
  return wait === undefined ? said : t('error.wait', { said, s: Math.ceil(wait) });
}
