import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { doctor as de } from '../lang/doctor.de.ts';
import { doctor as en } from '../lang/doctor.en.ts';
import { better, clock, filled, needed, refused, silence, streamed } from './doctor.ts';

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const all = (message: string | object): string =>
  typeof message === 'string' ? message : Object.values(message).join(' ');

test('both languages have the same texts, with the same values', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(names(all(de[key])), key).toEqual(names(all(en[key])));
    expect(all(de[key]).trim(), key).not.toBe('');
  }
});

test('English says what the command says, and misses nothing', () => {
  const source = readFileSync(new URL('../../../internal/doctor/why.go', import.meta.url), 'utf8');
  const called = new Map(
    [...source.matchAll(/^\t(\w+)\s+Why = "(\w+)"/gm)].map(([, name, why]) => [name, why]),
  );
  const said = [...source.matchAll(/^\t(\w+):\s+"(.*)",$/gm)];
  expect(said.length).toBe(called.size);
  for (const [, name, text] of said) {
    expect(en[`why.${called.get(name ?? '')}` as keyof typeof en], name).toBe(text);
  }
});

test('a fault stays, and what is known is not forgotten', () => {
  const ok = { id: 'host', state: 'ok', why: 'host_good' } as const;
  const fault = { id: 'host', state: 'fault', why: 'host_replaced' } as const;
  const untested = { id: 'host', state: 'untested', why: 'cut' } as const;
  expect(better(ok, fault)).toBe(fault);
  expect(better(fault, ok)).toBe(fault);
  expect(better(fault, untested)).toBe(fault);
  expect(better(ok, untested)).toBe(ok);
  expect(better(untested, ok)).toBe(ok);
});

test('an answer that is not the one that was asked for has a cause', () => {
  const host = 'chat.example.org';
  const why = (status: number, error?: { code: string; message: string; host?: string }) =>
    refused(status, error, host, host).at(-1)?.why;
  const forbidden = { code: 'forbidden', message: 'no' };
  expect(why(403, { ...forbidden, host: 'backend:3000' })).toBe('host_replaced');
  expect(why(403, { ...forbidden, host: 'chat.example.org:443' })).toBe('host_unknown');
  expect(why(403, forbidden)).toBe('refused');
  expect(why(404, { code: 'not_found', message: 'no' })).toBe('old_hubbub');
  expect(why(404)).toBe('not_hubbub');
  expect(why(502)).toBe('gateway');
  expect(why(504)).toBe('gateway');
  expect(why(200)).toBe('not_hubbub');
});

test('clocks, streams and silence are judged', () => {
  expect(clock(1_000_000, 999_000, 1_001_000).state).toBe('ok');
  expect(clock(1_061_000, 999_000, 1_001_000)).toMatchObject({
    state: 'fault',
    with: { seconds: '61' },
  });
  expect(streamed(1400).state).toBe('ok');
  expect(streamed(3).state).toBe('fault');
  expect(needed(25_000)).toBe(30_000);
  expect(silence(60_000, 'cut', 25_000).why).toBe('idle_long');
  expect(silence(29_900, 'cut', 25_000)).toMatchObject({
    why: 'idle_cut',
    with: { seconds: '29.9', heartbeat: '25' },
  });
  expect(silence(70_000, 'there', 25_000).why).toBe('idle_lives');
  expect(silence(70_000, 'deaf', 25_000).state).toBe('fault');
});

test('remedies are filled in, and leave alone what is not known', () => {
  const remedy = { for: 'caddy', in: '{host} { }', lines: ['header_up Host {hostport}'] };
  expect(filled(remedy, { host: 'chat.example.org' })).toEqual({
    for: 'caddy',
    in: 'chat.example.org { }',
    lines: ['header_up Host {hostport}'],
    out: [],
  });
});
