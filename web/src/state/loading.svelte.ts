/** What became of a file that the page shows: the server says whether one that does not come is gone. */
export class Loading {
  state = $state<'asked' | 'there' | 'gone' | 'failed'>('asked');
  /** Counts the attempts, so that each is one of its own. */
  attempt = $state(0);

  there(): void {
    this.state = 'there';
  }

  /** It did not come. */
  async failed(address: string): Promise<void> {
    try {
      const { status } = await fetch(address, { method: 'HEAD', credentials: 'same-origin' });
      this.state = status === 404 ? 'gone' : 'failed';
    } catch {
      this.state = 'failed';
    }
  }

  again(): void {
    if (this.state !== 'failed') return;
    this.state = 'asked';
    this.attempt++;
  }
}
