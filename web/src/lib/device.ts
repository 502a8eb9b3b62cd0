import type { Words } from './i18n.ts';

const systems: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/CrOS/, 'ChromeOS'],
  [/Mac OS X|Macintosh/, 'Mac'],
  [/Windows/, 'Windows'],
  [/Linux/, 'Linux'],
];

const browsers: [RegExp, string][] = [
  [/Firefox\/|FxiOS/, 'Firefox'],
  [/Edg(A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Chrome\/|CriOS/, 'Chrome'],
  [/Safari\//, 'Safari'],
];

/** A device in words, from how its browser described itself. */
export function deviceName(agent: string, words: Words): string {
  const browser = browsers.find(([mark]) => mark.test(agent))?.[1];
  const system = systems.find(([mark]) => mark.test(agent))?.[1];
  if (browser && system) return words.t('devices.on', { browser, system });
  const program = agent.split(/[\s/]/, 1)[0] || words.t('devices.program');
  return browser ?? system ?? program;
}
