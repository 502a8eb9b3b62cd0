/** What the service worker keeps; web/shell.ts writes it into the worker of a build. */
declare module 'virtual:shell' {
  /** Changes with any of the files. */
  export const version: string;
  /** The addresses of all files of the page. */
  export const shell: readonly string[];
}
