import type { Catalogue } from '../lib/i18n.ts';
import type { hooks as en } from './hooks.en.ts';

export const hooks: Pick<Catalogue, keyof typeof en> = {
  'hooks.title': 'Hooks',
  'hooks.hint':
    'Ein Hook verbindet diesen Raum mit einem Programm anderswo: Er lässt das Programm hier schreiben oder sagt ihm, was gesagt wird. Jeder hat einen eigenen Bot, der bei den Mitgliedern steht.',
  'hooks.list': 'Die Hooks dieses Raums',
  'hooks.none': 'Dieser Raum hat keine Hooks.',
  'hooks.makeIn': 'Ein Programm hier schreiben lassen',
  'hooks.makeOut': 'Einem Programm sagen, was gesagt wird',
  'hooks.inHint':
    'Du bekommst eine geheime Adresse. Was dorthin im Format von Slack geschickt wird, steht in diesem Raum.',
  'hooks.outHint':
    'Was hier gesagt wird, geht an eine Adresse, unterschrieben, eins nach dem anderen. Was nicht ankommt, wird einen Tag lang wieder versucht.',
  'hooks.name': 'Wie sein Bot heißt',
  'hooks.url': 'Adresse',
  'hooks.events': 'Er erfährt',
  'hooks.events.message': 'alle Nachrichten von Leuten',
  'hooks.events.mention': 'was @{name} anspricht',
  'hooks.events.all': 'alles, was geschieht',
  'hooks.make': 'Hook anlegen',
  'hooks.madeIn':
    '{name} ist bereit. Wer diese Adresse kennt, kann im Raum schreiben. Sie wird nur jetzt gezeigt.',
  'hooks.madeOut':
    '{name} ist bereit. Mit diesem Geheimnis prüft das Programm, dass kommt, was von hier ist. Es wird nur jetzt gezeigt.',
  'hooks.address': 'Die Adresse',
  'hooks.curl': 'Eine Zeile zum Ausprobieren',
  'hooks.secret': 'Das Geheimnis',
  'hooks.copy': 'Kopieren: {what}',
  'hooks.in': 'eingehend',
  'hooks.out': 'ausgehend',
  'hooks.ok': 'Läuft',
  'hooks.unused': 'Noch nicht benutzt',
  'hooks.failing': 'Kommt nicht an; es wird wieder versucht',
  'hooks.failingUntil': 'Kommt nicht an; der nächste Versuch ist um {when}',
  'hooks.paused': 'Pausiert',
  'hooks.goes': 'Erfährt {what}: {url}',
  'hooks.failures': { one: '{n} Zustellung misslang', other: '{n} Zustellungen misslangen' },
  'hooks.menu': 'Was mit {name} tun',
  'hooks.retry': 'Jetzt wieder versuchen',
  'hooks.resume': 'Weitermachen',
  'hooks.pause': 'Pausieren',
  'hooks.rename': 'Umbenennen…',
  'hooks.revoke': 'Zurückziehen…',
  'hooks.revokeIn':
    'Seine Adresse gilt sofort und für immer nicht mehr, und sein Bot geht. Zurückziehen?',
  'hooks.revokeOut': 'Es wird nichts mehr geschickt, und sein Bot geht. Zurückziehen?',
  'failure.redirect': 'Es kam eine Weiterleitung, der nicht gefolgt wird.',
  'failure.private': 'Die Adresse ist keine öffentliche.',
  'failure.name': 'Der Name ist nicht bekannt.',
  'failure.certificate': 'Das Zertifikat gilt nicht.',
  'failure.late': 'Es kam nicht rechtzeitig eine Antwort.',
  'failure.unreached': 'Unter der Adresse war nichts zu erreichen.',
  'failure.rights': 'Wer diesen Hook angelegt hat, oder sein Bot, darf den Raum nicht mehr lesen.',
  'failure.status': 'Die Antwort war „{status}“.',
  'notice.hookIn': '{who:Du|} lässt das Programm {whom} hier schreiben',
  'notice.hookOut':
    '{who:Du|} lässt das Programm {whom} unter {host} erfahren, was hier gesagt wird',
  'notice.hookGone': '{who:Du|} {who:hast|hat} den Hook {whom} zurückgezogen',
};
