import { expect, test } from 'vitest';
import { deviceName } from './device.ts';
import { english } from './testwords.ts';

test('a device in words', () => {
  const mozilla = 'Mozilla/5.0 ';
  for (const [agent, name] of [
    [
      `${mozilla}(X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36`,
      'Chrome on Linux',
    ],
    [
      `${mozilla}(iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1`,
      'Safari on iPhone',
    ],
    [
      `${mozilla}(Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0`,
      'Firefox on Mac',
    ],
    [
      `${mozilla}(Windows NT 10.0; Win64; x64) Chrome/156.0.0.0 Safari/537.36 Edg/156.0`,
      'Edge on Windows',
    ],
    ['curl/8.5.0', 'curl'],
    ['', 'A program'],
  ]) {
    expect(deviceName(agent ?? '', english)).toBe(name);
  }
});
