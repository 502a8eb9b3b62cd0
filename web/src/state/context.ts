import { createContext } from 'svelte';
import type { App } from './app.svelte.ts';
import type { Chat } from './chat.svelte.ts';

/** The page, for every component. */
export const [useApp, provideApp] = createContext<App>();

/** The chat, for the components that exist only while there is one. */
export const [useChat, provideChat] = createContext<Chat>();
