const written = /^\/me[ \t]+(\S[^]*)$/;

/**
 * What somebody does who writes "/me waves": "waves". It is a message like any other, which the page shows as
 * a sentence with the name in front; other clients show it as it was written.
 */
export function actionOf(text: string): string | undefined {
  return written.exec(text)?.[1];
}

/** A message in a line, with who said it: "Ana: hello", "Ana waves". */
export function line(name: string, text: string): string {
  const action = actionOf(text);
  return action === undefined ? `${name}: ${text}` : `${name} ${action}`;
}

/** The text of a message where the name stands before it anyway. */
export function words(text: string): string {
  return actionOf(text) ?? text;
}
