import { mount } from 'svelte';
import Page from './components/Page.svelte';
import { keepStyles } from './lib/styles.ts';
import { installed, uninstall } from './state/installed.svelte.ts';
import { speech } from './state/words.svelte.ts';
import './state/theme.svelte.ts';
import './style.css';

/** The doctor looks at the way to the server without what the chat needs. */
const root = async () =>
  location.pathname === '/doctor' ? (await import('./components/Doctor.svelte')).default : Page;

/** Shows the page, in its language. */
async function begin(): Promise<void> {
  const target = document.getElementById('app');
  keepStyles();
  await speech.begin();
  try {
    if (target) mount(await root(), { target });
  } catch (error) {
    // A version that cannot even begin must not be the one that opens again and again.
    await uninstall();
    throw error;
  }
  await installed.begin();
}

void begin();
