import type { Catalogue } from '../lib/i18n.ts';
import type { attention as en } from './attention.en.ts';

export const attention: Pick<Catalogue, keyof typeof en> = {
  'unread.from': 'Ab hier als ungelesen markieren',
  'unread.marked': 'Ab hier ungelesen.',
  'unread.readAll': 'Alles als gelesen markieren',
  'unread.none': 'Alles ist als gelesen markiert.',
  'help.readAll': 'alles als gelesen markieren',
  'alerts.title': 'Meldungen',
  'alerts.here': 'Meldungen auf diesem Gerät',
  'alerts.off': 'Aus: Dieser Browser meldet nichts.',
  'alerts.asks':
    'Schaltest du sie ein, fragt dein Browser einmal, ob hubbub Meldungen zeigen darf. Dann zeigt er Nachrichten, die dich angehen, während du nicht auf diese Seite schaust: wer geschrieben hat, wo, und wie die Nachricht beginnt.',
  'alerts.push':
    'Ein. Meldungen kommen auch, während diese Seite geschlossen ist, solange der Browser läuft.',
  'alerts.page':
    'Ein, solange diese Seite in irgendeinem Tab offen ist. Dieser Browser erreicht keinen Dienst, der Meldungen brächte, wenn sie geschlossen ist.',
  'alerts.denied':
    'Deinem Browser wurde gesagt, dass er keine Meldungen dieser Seite zeigen soll. Das lässt sich nur dort ändern: über das Zeichen links neben der Adresse, bei den Berechtigungen dieser Seite.',
  'alerts.unsupported':
    'Dieser Browser zeigt keine Meldungen von Seiten. Auf einem iPhone oder iPad tut er es, sobald hubbub auf dem Home-Bildschirm liegt: Teilen, Zum Home-Bildschirm, und von dort öffnen.',
  'alerts.insecure':
    'Browser zeigen Meldungen nur von Seiten, die über HTTPS kommen oder von diesem Rechner. Bitte wen auch immer diesen Ort betreibt um eine Adresse mit https.',
  'alerts.turnOn': 'Meldungen einschalten',
  'alerts.turnOff': 'Meldungen ausschalten',
  'alerts.rooms':
    'Von welchen Nachrichten, sagt jeder Raum unter „Über“: von allen, von Erwähnungen oder von nichts. Gespräche melden alles, Räume Erwähnungen, wenn du nichts anderes wählst.',
  'level.label': 'Melden',
  'level.all': 'alle Nachrichten',
  'level.mentions': 'Erwähnungen',
  'level.none': 'nichts',
  'level.default': 'das Übliche: {level}',
  'level.settings': 'Meldungen auf diesem Gerät',
  'disturb.title': 'Nicht stören',
  'disturb.hint':
    'Solange meldet sich nichts, auf keinem Gerät. Was kommt, wird wie immer gezählt.',
  'disturb.none': 'Meldungen kommen.',
  'disturb.until': 'Keine Meldungen bis {when}.',
  'disturb.untilNotice': 'Keine Meldungen, bis du etwas anderes sagst.',
  'disturb.hoursNow': 'Keine Meldungen bis {to}: Es sind deine Ruhestunden.',
  'disturb.end': 'Meldungen wieder zulassen',
  'disturb.hour': 'Eine Stunde lang',
  'disturb.tomorrow': 'Bis morgen',
  'disturb.forever': 'Bis ich etwas anderes sage',
  'disturb.untilTime': 'Bis',
  'disturb.set': 'Bis dahin pausieren',
  'disturb.past': 'Dieser Zeitpunkt ist vorbei.',
  'disturb.daily': 'Jeden Tag zu bestimmten Stunden',
  'disturb.from': 'von',
  'disturb.to': 'bis',
  'disturb.zone': 'Nach den Uhren von {zone}.',
  'disturb.ownZone': 'Die Uhren von {zone} nehmen',
  'pause.hour': 'Meldungen eine Stunde lang pausieren',
  'pause.tomorrow': 'Meldungen bis morgen pausieren: {when}',
  'pause.settings': 'Einstellungen für Meldungen…',
  'pause.until': 'Meldungen, pausiert bis {when}',
  'pause.forever': 'Meldungen, pausiert',
  'pause.hours': 'Meldungen, Ruhestunden bis {to}',
  'presence.online': 'gerade da',
  'presence.away': 'abwesend',
};
