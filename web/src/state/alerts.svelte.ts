import { attentionApi } from '../lib/attentionapi.ts';
import { remember, remembered } from './memory.ts';

/**
 * What this browser does about alerts. `push`: they come also while the page is closed. `page`: only while
 * it is open somewhere. The others say why there are none.
 */
export type AlertState = 'insecure' | 'unsupported' | 'denied' | 'off' | 'push' | 'page';

/** Where an alert leads, and what it is about. */
export interface AlertData {
  room: string;
  seq: number;
  thread?: number;
  url: string;
}

export interface Alert {
  title: string;
  body: string;
  tag: string;
  time: number;
  data: AlertData;
}

const chosen = 'hubbub.alerts';
const alerted = 'hubbub.alerted';
const lockName = 'hubbub.alerts';
const looking = 'hubbub.looking';
/** A browser that does not reach its push service may not say so. */
const patience = 15_000;
/** Until then every tab reads what another has remembered: they hear of that a little later. */
const spread = 10_000;

/** The alerts of this browser. They are asked for only where somebody wants them. */
class Alerts {
  state = $state<AlertState>('off');
  busy = $state(false);
  /** Leads to a message. */
  onlead: (url: string) => void = () => undefined;

  private readonly shown = new Map<string, { notification: Notification; data: AlertData }>();
  /** Chosen on this device; also where nothing is kept of it. */
  private wanted = remembered(chosen) === 'on';
  private letGo: (() => void) | undefined;

  constructor() {
    this.see();
    if (!('serviceWorker' in navigator)) return;
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      const { lead } = (data ?? {}) as { lead?: unknown };
      if (typeof lead === 'string') this.onlead(lead);
    });
  }

  /** Goes on as it was chosen on this device. */
  async begin(): Promise<void> {
    this.see();
    await this.watchPermission();
    if (this.state === 'page') await this.subscribe();
  }

  /** Asks the browser for leave. Only to be called when somebody wants it. */
  async turnOn(): Promise<void> {
    this.busy = true;
    try {
      if ((await Notification.requestPermission()) !== 'granted') return this.see();
      this.wanted = true;
      remember(chosen, 'on');
      this.see();
      await this.subscribe();
    } finally {
      this.busy = false;
    }
  }

  async turnOff(): Promise<void> {
    this.busy = true;
    try {
      this.wanted = false;
      remember(chosen, '');
      const subscription = await this.subscription();
      if (subscription) {
        await attentionApi.removeDevice(subscription.endpoint).catch(() => undefined);
        await subscription.unsubscribe().catch(() => undefined);
      }
    } finally {
      this.busy = false;
      this.see();
    }
  }

  /** Nothing is alerted here any more: somebody signed out. */
  async leave(): Promise<void> {
    await (await this.subscription())?.unsubscribe().catch(() => undefined);
    await this.close(() => true);
  }

  /** Says whether somebody sits before this tab: the others alert of nothing meanwhile. */
  look(at: boolean): void {
    if (at === (this.letGo !== undefined) || !('locks' in navigator)) return;
    this.letGo?.();
    this.letGo = undefined;
    if (!at) return;
    const held = new Promise<void>((resolve) => (this.letGo = resolve));
    navigator.locks.request(looking, { mode: 'shared' }, () => held).catch(() => undefined);
  }

  /** Whether somebody sits before any tab of this browser. */
  async watched(): Promise<boolean> {
    return this.letGo !== undefined || isHeld(looking);
  }

  /** Shows an alert, unless this browser has shown it before, in whichever tab. */
  async show(alert: Alert): Promise<void> {
    if (this.state !== 'page') return;
    await exclusively(async () => {
      const { room, seq } = alert.data;
      const before = readMarks();
      if ((before[room] ?? 0) >= seq || (await isHeld(lockOf(alert)))) return;
      holdFor(lockOf(alert), spread);
      remember(alerted, JSON.stringify({ ...before, [room]: seq }));
      await this.draw(alert);
    });
  }

  /** Takes away the alerts of what was read, or is not there any more. */
  async close(over: (data: AlertData) => boolean): Promise<void> {
    for (const [tag, { notification, data }] of this.shown) {
      if (!over(data)) continue;
      notification.close();
      this.shown.delete(tag);
    }
    const worker = await registration();
    if (!worker?.getNotifications) return;
    for (const notification of await worker.getNotifications()) {
      const data = notification.data as AlertData | null;
      if (data && over(data)) notification.close();
    }
  }

  private see(): void {
    if (!isSecureContext) this.state = 'insecure';
    else if (!('Notification' in window)) this.state = 'unsupported';
    else if (Notification.permission === 'denied') this.state = 'denied';
    else if (Notification.permission !== 'granted' || !this.wanted) this.state = 'off';
    else if (this.state !== 'push') this.state = 'page';
  }

  private async watchPermission(): Promise<void> {
    try {
      const status = await navigator.permissions.query({ name: 'notifications' });
      status.onchange = () => this.see();
    } catch {
      // It is looked at whenever the page opens.
    }
  }

  private async subscription(): Promise<PushSubscription | undefined> {
    const worker = await registration();
    return (await worker?.pushManager?.getSubscription().catch(() => null)) ?? undefined;
  }

  /** Has alerts pushed, where there is a push service. */
  private async subscribe(): Promise<void> {
    const worker = await registration();
    if (!worker?.pushManager) return;
    try {
      const known = await worker.pushManager.getSubscription();
      const key = known ? '' : await attentionApi.pushKey();
      const wish = { userVisibleOnly: true, applicationServerKey: key };
      const subscription = known ?? (await inTime(worker.pushManager.subscribe(wish)));
      await attentionApi.addDevice(subscription.toJSON());
      this.state = 'push';
    } catch {
      // Without it there are alerts while the page is open.
    }
  }

  private async draw({ title, body, tag, time, data }: Alert): Promise<void> {
    const options = { body, tag, data, timestamp: time, icon: '/icons/192.png' };
    const worker = await registration();
    if (worker?.active) return worker.showNotification(title, options);
    let notification: Notification;
    try {
      notification = new Notification(title, options);
    } catch {
      return; // a browser that lets only service workers alert, and has none
    }
    this.shown.set(tag, { notification, data });
    notification.onclick = () => {
      window.focus();
      notification.close();
      this.onlead(data.url);
    };
    notification.onclose = () => this.shown.delete(tag);
  }
}

export const alerts = new Alerts();

async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  if (!('serviceWorker' in navigator)) return undefined;
  return navigator.serviceWorker.getRegistration().catch(() => undefined);
}

function readMarks(): Record<string, number> {
  try {
    return JSON.parse(remembered(alerted) || '{}') as Record<string, number>;
  } catch {
    return {};
  }
}

const lockOf = (alert: Alert): string => `${lockName} ${alert.tag}`;

/** Whether any tab holds a lock. */
async function isHeld(lock: string): Promise<boolean> {
  if (!('locks' in navigator)) return false;
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === lock);
}

function holdFor(lock: string, ms: number): void {
  if (!('locks' in navigator)) return;
  const held = new Promise((resolve) => setTimeout(resolve, ms));
  navigator.locks.request(lock, { mode: 'shared' }, () => held).catch(() => undefined);
}

/** Does something in one tab of this browser at a time. */
async function exclusively(run: () => Promise<void>): Promise<void> {
  if ('locks' in navigator) await navigator.locks.request(lockName, run);
  else await run();
}

function inTime<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error('no push service')), patience),
  );
  return Promise.race([work, late]);
}
