/** Written by emojidata.ts, in the build. */
declare module 'virtual:emoji' {
  const data: string;
  export default data;
}
