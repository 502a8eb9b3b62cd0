import { remember, remembered } from './memory.ts';

export type Theme = 'system' | 'light' | 'dark';
export const themes: readonly Theme[] = ['system', 'light', 'dark'];

const key = 'hubbub.theme';

/** Light or dark: a class of the page says so, and style.css has the colours of both. */
class Look {
  chosen = $state<Theme>(themes.find((theme) => theme === remembered(key)) ?? 'system');

  constructor() {
    this.apply();
  }

  choose(theme: Theme): void {
    this.chosen = theme;
    remember(key, theme === 'system' ? '' : theme);
    this.apply();
  }

  private apply(): void {
    const { classList } = document.documentElement;
    for (const theme of themes) classList.toggle(theme, theme === this.chosen);
    // The frame around the page: index.html has a colour for each.
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[data-theme]')) {
      const own = meta.dataset['theme'];
      meta.media =
        this.chosen === 'system'
          ? `(prefers-color-scheme: ${own})`
          : own === this.chosen
            ? 'all'
            : 'not all';
    }
  }
}

export const look = new Look();
