import { scriptUrl } from './trusted.ts';

const path = '/sw.js';
const prefix = 'hubbub-';

/** The page as it is kept on this device, by its service worker. Without one the page is whole too. */
class Installed {
  /** A version of the page waits that is newer than this one. */
  update = $state(false);

  private registration: ServiceWorkerRegistration | undefined;

  /** Keeps the page on this device, where the browser allows it: over HTTPS, or on this machine. */
  async begin(): Promise<void> {
    if (!import.meta.env.PROD || !isSecureContext || !('serviceWorker' in navigator)) return;
    const worker = navigator.serviceWorker;
    // The first worker takes over a page of its own version; every later one brings another.
    let replaced = worker.controller !== null;
    worker.addEventListener('controllerchange', () => {
      if (replaced) location.reload();
      replaced = true;
    });
    try {
      await worker.register(scriptUrl(path), { updateViaCache: 'none' });
    } catch {
      return this.check();
    }
    this.registration = await worker.getRegistration();
    this.registration?.addEventListener('updatefound', () => this.watch());
    this.watch();
  }

  /** Asks whether there is a newer version. */
  async check(): Promise<void> {
    try {
      await this.registration?.update();
    } catch {
      // A server that has no worker, as it is an older one, gets its own page shown.
      const answer = await fetch(path, { method: 'HEAD' }).catch(() => undefined);
      if (answer?.status === 404) await uninstall();
    }
  }

  /** Goes over to the newer version, in all tabs. */
  take(): void {
    const waiting = this.registration?.waiting;
    if (waiting) waiting.postMessage('take over');
    else location.reload();
  }

  private watch(): void {
    const see = () => {
      this.update = !!this.registration?.waiting && !!navigator.serviceWorker.controller;
    };
    this.registration?.installing?.addEventListener('statechange', see);
    see();
  }
}

export const installed = new Installed();

/** Gives the page back to the server alone. */
export async function uninstall(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const all = await navigator.serviceWorker.getRegistrations();
  await Promise.all(all.map((registration) => registration.unregister()));
  for (const name of await caches.keys()) if (name.startsWith(prefix)) await caches.delete(name);
}
