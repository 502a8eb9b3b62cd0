import { api } from '../lib/api.ts';
import { attentionApi } from '../lib/attentionapi.ts';
import { silentBy, type Hours, type Silence } from '../lib/silence.ts';

/** So old may be what is known of it, when it is to be decided about an alert. */
const old = 1_000;

/** When I do not want to be disturbed. It is the same on all my devices. */
class Quietude implements Silence {
  until = $state(0);
  hours = $state.raw<Hours | null>(null);
  /** The server has said. */
  known = $state(false);

  private asked = 0;

  /** What keeps alerts away at that time. */
  by(now: number): 'pause' | 'hours' | undefined {
    return silentBy(this, now);
  }

  async refresh(): Promise<void> {
    const { silent_until: until = 0, quiet_hours: hours = null } = await api.account();
    this.until = until;
    this.hours = hours;
    this.known = true;
    this.asked = Date.now();
  }

  /** Another device may have changed it. */
  async refreshOld(): Promise<void> {
    if (Date.now() - this.asked > old) await this.refresh().catch(() => undefined);
  }

  async pause(until: number): Promise<void> {
    await attentionApi.setSilence(until);
    this.until = until;
  }

  async setHours(hours: Hours | null): Promise<void> {
    await attentionApi.setHours(hours);
    this.hours = hours;
  }
}

export const quietude = new Quietude();
