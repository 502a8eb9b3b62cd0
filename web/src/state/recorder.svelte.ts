const types = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];
const ends: Record<string, string> = {
  'audio/webm': 'webm',
  'audio/mp4': 'm4a',
  'audio/ogg': 'ogg',
};
const everySecond = 250;

/** Whether this browser records, here: it lets pages do so only over HTTPS and on this machine. */
export const canRecord = (): boolean =>
  'MediaRecorder' in window && navigator.mediaDevices !== undefined && kind() !== undefined;

const kind = () => types.find((type) => MediaRecorder.isTypeSupported(type));

export interface Recording {
  file: File;
  /** In milliseconds. */
  duration: number;
}

/** Records one voice note at a time. */
export class Recorder {
  phase = $state<'idle' | 'asking' | 'recording'>('idle');
  /** How long it is by now, in milliseconds. */
  length = $state(0);

  private recorder: MediaRecorder | undefined;
  private parts: Blob[] = [];
  private begun = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Begins. Throws where the browser gives no microphone. */
  async start(): Promise<void> {
    if (this.phase !== 'idle') return;
    this.phase = 'asking';
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      this.phase = 'idle';
      throw error;
    }
    // Whoever left meanwhile wants no recording.
    if ((this.phase as string) !== 'asking') return stop(stream);
    const mimeType = kind();
    const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
    this.recorder = recorder;
    this.parts = [];
    recorder.ondataavailable = ({ data }) => this.parts.push(data);
    recorder.start();
    this.begun = performance.now();
    this.length = 0;
    this.timer = setInterval(() => (this.length = performance.now() - this.begun), everySecond);
    this.phase = 'recording';
  }

  /** Ends, with what was recorded. `name` is without an end. */
  async finish(name: string): Promise<Recording | undefined> {
    const { recorder } = this;
    if (!recorder || this.phase !== 'recording') return undefined;
    const duration = Math.round(performance.now() - this.begun);
    await new Promise((resolve) => {
      recorder.onstop = resolve;
      recorder.stop();
    });
    const type = recorder.mimeType.split(';', 1)[0] ?? '';
    const { parts } = this;
    this.cancel();
    const file = new File(parts, `${name}.${ends[type] ?? 'webm'}`, { type });
    return file.size > 0 ? { file, duration } : undefined;
  }

  /** Ends, and keeps nothing. */
  cancel(): void {
    clearInterval(this.timer);
    this.phase = 'idle';
    this.parts = [];
    const { recorder } = this;
    this.recorder = undefined;
    if (!recorder) return;
    if (recorder.state !== 'inactive') recorder.stop();
    stop(recorder.stream);
  }
}

/** Gives the microphone back. */
function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
