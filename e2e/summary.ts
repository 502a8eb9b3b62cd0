import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

/** Says at the very end what failed and why: also what passed when it was tried again, which is a mistake somewhere too. */
export default class Summary implements Reporter {
  private readonly failed = new Map<TestCase, string[]>();

  onTestEnd(test: TestCase, { status, errors, retry }: TestResult): void {
    if (status === 'passed' || status === 'skipped') return;
    const why = errors.map(({ message, location }) => {
      const text = (message ?? '').replace(/\x1b\[\d*m/g, '').split('\n').slice(0, 16).join('\n    ');
      return `  try ${retry + 1}, line ${location?.line}: ${text}`;
    });
    this.failed.set(test, [...(this.failed.get(test) ?? []), ...why]);
  }

  onEnd(): void {
    for (const [test, why] of this.failed) {
      const how = test.ok() ? 'passed only when it was tried again' : 'failed';
      console.log(`\n${test.location.file}:${test.location.line} ${test.title}\n  ${how}\n${why.join('\n')}`);
    }
  }
}
