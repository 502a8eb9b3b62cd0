import type { Catalogue } from '../lib/i18n.ts';
import type { search as en } from './search.en.ts';

export const search: Pick<Catalogue, keyof typeof en> = {
  'search.title': 'Suche',
  'search.open': 'Nachrichten suchen',
  'search.inRoom': 'In diesem Raum suchen',
  'search.placeholder': 'Nachrichten suchen',
  'search.clear': 'Feld leeren',
  'search.leave': 'Suche verlassen',
  'search.order': 'Reihenfolge',
  'search.newest': 'Neueste',
  'search.best': 'Beste',
  'search.results': 'Ergebnisse',
  'search.found': { one: '{n} Nachricht', other: '{n} Nachrichten' },
  'search.foundSome': { one: 'Die erste Nachricht', other: 'Die ersten {n} Nachrichten' },
  'search.none': 'Keine Nachricht hat das alles.',
  'search.noneYet': 'Noch keine Nachricht, aber es gibt noch mehr zu durchsuchen.',
  'search.noneHint':
    'Weniger Wörter finden mehr, und ein Wort wird an seinem Anfang erkannt. Durchsucht wird nur, was du lesen darfst.',
  'search.busy': 'Suche läuft …',
  'search.farther': 'Weiter zurück suchen',
  'search.offline': 'Keine Verbindung. Die Suche geht weiter, sobald es wieder eine gibt.',
  'search.wait': 'Das waren viele Suchen. Gleich geht es weiter.',
  'search.cut': 'Eine Suche hat 256 Zeichen und 16 Teile. Was darüber hinausgeht, zählt nicht.',
  'search.unfinished': '{what} ist noch nicht fertig und bewirkt noch nichts.',
  'search.behind':
    'Ältere Nachrichten werden noch eingelesen. Bis dahin können einzelne Treffer fehlen.',
  'search.inThread': 'in einem Thread',
  'search.lead': 'Tippe ein paar Wörter oder den Anfang von einem. Zusammen mit ihnen:',
  'search.add': '{what} zur Suche hinzufügen',
  'search.phrase': 'genau diese Wörter',
  'search.without': 'Wort',
  'search.helpFrom': 'was jemand geschrieben hat: from:Tom, from:"Ana María"',
  'search.helpIn': 'in einem Raum oder mit einer Person: in:Tom',
  'search.helpAfter':
    'aus den letzten Tagen; auch before:, after: und on: mit 2026-11-24, 2026-11, today, yesterday, 2w',
  'search.helpHas': 'mit einem Link; auch has:file und has:image',
  'search.helpPinned': 'was angeheftet ist; is:thread ist, was in einem Thread steht',
  'search.helpPhrase': 'diese Wörter hintereinander',
  'search.helpNot': 'ohne das; auch vor allem anderen: -\u2060from:me',
};
