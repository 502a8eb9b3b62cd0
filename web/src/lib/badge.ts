const most = 9;

/** A number that fits on an icon. */
export function onIcon(count: number): string {
  return count > most ? `${most}+` : String(count);
}

/** The icon of the page with a number on it, as the address of a picture. */
export function badgedIcon(count: number): string {
  const text = onIcon(count);
  const size = text.length > 1 ? 15 : 19;
  const picture =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    '<circle cx="9" cy="20" r="7" fill="#c2410c"/><circle cx="19" cy="9.5" r="6" fill="#e07a3f"/>' +
    '<circle cx="20.5" cy="20.5" r="11.5" fill="#1d1a16" stroke="#fff" stroke-width="1.5"/>' +
    `<text x="20.5" y="${20.5 + size * 0.36}" fill="#fff" font-family="sans-serif" font-size="${size}" ` +
    `font-weight="700" text-anchor="middle">${text}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(picture)}`;
}
