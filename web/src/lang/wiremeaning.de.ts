import type { Message } from '../lib/i18n.ts';
import type { meaning as english } from './wiremeaning.en.ts';

export const meaning: Record<keyof typeof english, Message> = {
  // Der Handschlag
  'shake.intro':
    'Ein WebSocket beginnt als Anfrage über HTTP. Der Server antwortet mit 101, und von da an trägt dieselbe TCP-Verbindung Rahmen.',
  'shake.request': 'Anfrage',
  'shake.response': 'Antwort',
  'shake.exact': 'Byte für Byte, wie sie kam.',
  'shake.rebuilt':
    'Vom Server wieder zusammengesetzt: Es sind die Kopfzeilen, die kamen, nach dem Alphabet geordnet.',
  'shake.unreported':
    'Der Server hat diesen Handschlag nicht berichtet, und eine Seite bekommt den eigenen nicht zu sehen.',
  'shake.agreed': 'Vereinbart',
  'shake.protocol': 'Unterprotokoll',
  'shake.noProtocol': 'keins: reiner Text',
  'shake.extensions': 'Erweiterungen',
  'shake.noExtensions': 'keine: nichts wird gepackt',
  'shake.deflate':
    'Lange Nachrichten werden gepackt. „No context takeover“ heißt: jede für sich, damit der Server es einmal für alle tut.',
  'shake.remote': 'Von',
  'shake.resumed': 'Macht weiter',
  'shake.resumedAt': '{room}, hinter Nummer {after}',
  'shake.masked': 'Geheimnisse stehen als ••• da.',

  'head.line':
    'Die Methode, die Adresse und die Version. Ein WebSocket fragt immer mit GET, über HTTP/1.1.',
  'head.status':
    'Switching Protocols: Der Server ist einverstanden. Von hier an wird auf dieser Verbindung kein HTTP mehr gesprochen.',
  'head.host': 'Der Name des Servers: Eine Adresse kann mehrere bedienen.',
  'head.upgrade': 'Was aus der Verbindung werden soll.',
  'head.connection': 'Das Upgrade gilt dem nächsten Server auf dem Weg, nicht erst dem letzten.',
  'head.sec-websocket-key':
    '16 zufällige Bytes. Der Server muss mit etwas antworten, das daraus gemacht ist, damit kein Zwischenspeicher an seiner Stelle antwortet. Es ist kein Geheimnis.',
  'head.sec-websocket-version':
    'Die Version des Protokolls: 13 ist die aus RFC 6455 und die einzige, die verwendet wird.',
  'head.sec-websocket-protocol':
    'Was in den Rahmen gesprochen werden soll. Der Client bietet an, der Server wählt eins: hier hubbub.v1.',
  'head.sec-websocket-extensions':
    'Zusätze zum Protokoll. permessage-deflate packt Nachrichten; beide Seiten müssen zustimmen.',
  'head.sec-websocket-accept':
    'Der Schlüssel mit einem festen Text dahinter, durch SHA-1 geschickt: der Beweis, dass der Server verstanden hat.',
  'head.origin':
    'Die Seite, die fragt. Browser lassen jede Seite überallhin verbinden; der Server weist an dieser Zeile fremde ab.',
  'head.cookie': 'Sagt, wer du bist. Es ist ein Geheimnis und steht darum nicht da.',
  'head.authorization':
    'Sagt, wer ein Programm ist. Es ist ein Geheimnis und steht darum nicht da.',
  'head.user-agent': 'Welcher Browser oder welches Programm es ist, in dessen eigenen Worten.',
  'head.accept-encoding':
    'Welche Kompression für Inhalte von HTTP verstanden wird. Mit Rahmen hat es nichts zu tun.',
  'head.accept-language': 'Welche Sprachen du liest.',
  'head.cache': 'Will keine Antwort aus einem Zwischenspeicher.',
  'head.sec-fetch':
    'Woher der Browser diese Anfrage gestellt hat und wozu. Seiten können es nicht fälschen.',
  'head.forwarded': 'Ein Proxy sagt, für wen er fragt.',
  'head.date': 'Wann der Server geantwortet hat.',
  'head.other': 'Für den WebSocket bedeutet es nichts.',

  // Was es bedeutet
  'mean.dial': 'Verbindung {number} dieser Seite beginnt.',
  'mean.otherDial': 'Ein anderes Programm verbindet sich, von {from}.',
  'mean.end': 'Die Verbindung ist zu Ende.',
  'mean.endCode': 'Die Verbindung ist zu Ende, mit dem Code {code}. {what}',
  'mean.skipped': {
    one: '{n} Bericht wurde ausgelassen: Der Server hatte mehr zu sagen, als diese Seite lesen konnte.',
    other:
      '{n} Berichte wurden ausgelassen: Der Server hatte mehr zu sagen, als diese Seite lesen konnte.',
  },
  'mean.plain.client': 'Reiner Text: Was dieses Programm sagt, ist eine Nachricht, Byte für Byte.',
  'mean.plain.server': 'Reiner Text: was jemand anderes im Raum gesagt hat.',
  'mean.binary':
    'Bytes, die kein Text sind. Dieser Server nimmt keine an und beendet die Verbindung.',
  'mean.unseen': 'Der Server berichtet ihn; was darin stand, ist hier nicht bekannt.',
  'mean.noFrame': 'Das ist kein Rahmen von hubbub.v1. Er wird übergangen.',
  'mean.unknown': 'Ein Rahmen der Art „{kind}“, die diese Seite nicht kennt und darum übergeht.',
  'mean.ping.client': 'Das Programm fragt: Bist du da?',
  'mean.ping.server': 'Der Server fragt: Bist du da? Der Browser antwortet von selbst.',
  'mean.pong.client': 'Der Browser beantwortet die Frage: Ich bin da.',
  'mean.pong.server': 'Der Server beantwortet die Frage: Ich bin da.',
  'mean.otherControl': 'Ein Steuerrahmen, den RFC 6455 nicht kennt.',
  'mean.closeBare': 'Beendet die Verbindung und nennt keinen Grund.',
  'mean.close': 'Beendet die Verbindung, mit dem Code {code}. {what}',
  'mean.hello': 'Sagt Hallo. Wer es ist, hat das Cookie des Handschlags gesagt.',
  'mean.helloToken': 'Sagt Hallo und wer es ist, mit einem Token, der nicht dasteht.',
  'mean.openAfter':
    'Macht in {room} hinter Nummer {after} weiter: Nur was danach kam, soll gesendet werden.',
  'mean.openLast': {
    one: 'Öffnet {room}, vom letzten Ereignis an.',
    other: 'Öffnet {room}, von den letzten {n} Ereignissen an.',
  },
  'mean.open': 'Öffnet {room}, für alles, was von jetzt an kommt.',
  'mean.closeRoom': 'Folgt {room} nicht mehr.',
  'mean.send':
    'Legt eine Nachricht in {room} ab. Ihre Kennung sorgt dafür, dass sie einmal gespeichert wird, so oft sie auch gesendet wird.',
  'mean.sendThread': 'Legt eine Nachricht in einem Thread in {room} ab.',
  'mean.edit': 'Ändert Nachricht {target} in {room}.',
  'mean.delete': 'Löscht Nachricht {target} in {room}.',
  'mean.react': 'Setzt {emoji} an Nachricht {target} in {room}.',
  'mean.unreact': 'Nimmt {emoji} von Nachricht {target} in {room} zurück.',
  'mean.typing':
    'Hier schreibt jemand in {room}. Das wird nie gespeichert und darf verloren gehen.',
  'mean.read': 'Du hast {room} bis Nummer {seq} gelesen.',
  'mean.attend': 'Jemand sieht diese Seite an: Nichts muss dich benachrichtigen.',
  'mean.attendNot': 'Niemand sieht diese Seite jetzt an: Benachrichtigungen dürfen kommen.',
  'mean.fence': 'Bittet um Antwort, wenn alles davor erledigt ist: Zaun {number}.',
  'mean.welcome': {
    one: 'Der Server kennt dich als {name}. Er nennt seine Grenzen, und dass jede Sekunde ein Lebenszeichen kommt ({n}).',
    other:
      'Der Server kennt dich als {name}. Er nennt seine Grenzen, und dass alle {n} Sekunden ein Lebenszeichen kommt.',
  },
  'mean.you': 'Du heißt von jetzt an {name}.',
  'mean.opened': '{room} ist offen. Die letzte Nummer ist {head}; hier geht es mit {next} weiter.',
  'mean.joined': '{room} steht auf deiner Liste, und so steht es darum.',
  'mean.left': '{room} steht nicht mehr auf deiner Liste und ist geschlossen.',
  'mean.report': 'Für die Moderation: So viel wartet in {room}.',
  'mean.reset': 'Deine Stelle in {room} gilt nicht mehr: Die Seite lädt den Raum neu.',
  'mean.sent':
    'Deine Nachricht hat Nummer {seq} in {room} bekommen. Sie ist gespeichert: Sie übersteht einen Absturz und einen Stromausfall.',
  'mean.typingOf': '{name} schreibt in {room}.',
  'mean.readOf': 'Auf einer anderen Seite hast du {room} bis Nummer {seq} gelesen.',
  'mean.draft': 'Was du in {room} geschrieben und nicht gesendet hast, für deine anderen Geräte.',
  'mean.online': '{name} ist da.',
  'mean.away': '{name} ist da und sieht gerade etwas anderes an.',
  'mean.gone': '{name} ist gegangen.',
  'mean.fenced': 'Alles vor Zaun {number} ist erledigt.',
  'mean.heartbeat': {
    one: 'Lebenszeichen: Du hast alles, in {n} offenen Raum.',
    other: 'Lebenszeichen: Du hast alles, in {n} offenen Räumen.',
  },
  'mean.heartbeatNone': 'Lebenszeichen: Der Server ist da. Kein Raum ist offen.',
  'mean.heartbeatBehind': 'Lebenszeichen: In {room} fehlt hier etwas. Die Seite fragt danach.',
  'mean.error': 'Abgelehnt: {message} ({code}).',
  'mean.goodbye':
    'Der Server beendet die Verbindung ({why}). Die Seite kommt nach {seconds} Sekunden wieder.',
  'mean.eventOwn': 'Deine Nachricht steht als Nummer {seq} im Verlauf von {room}, für alle.',
  'mean.eventMessage': 'Nummer {seq} in {room}: eine Nachricht von {name}.',
  'mean.eventEdit': 'Nummer {seq} in {room}: {name} hat Nachricht {target} geändert.',
  'mean.eventDelete': 'Nummer {seq} in {room}: {name} hat Nachricht {target} gelöscht.',
  'mean.eventReact': 'Nummer {seq} in {room}: {name} hat {emoji} an Nachricht {target} gesetzt.',
  'mean.eventUnreact':
    'Nummer {seq} in {room}: {name} hat {emoji} von Nachricht {target} zurückgenommen.',
  'mean.eventPin': 'Nummer {seq} in {room}: {name} hat Nachricht {target} angeheftet.',
  'mean.eventUnpin': 'Nummer {seq} in {room}: {name} hat Nachricht {target} gelöst.',
  'mean.eventPreview': 'Nummer {seq} in {room}: wohin die Links von Nachricht {target} führen.',
  'mean.eventUnpreview':
    'Nummer {seq} in {room}: {name} hat die Vorschauen von Nachricht {target} entfernt.',
  'mean.eventErase': 'Nummer {seq} in {room}: Alles bis Nummer {target} ist gelöscht.',
  'mean.eventOther': 'Nummer {seq} in {room}: {kind}, von {name}.',
  'close.1000': 'Fertig.',
  'close.1001': 'Eine Seite geht: Ein Fenster schließt, oder ein Server hört auf.',
  'close.1002': 'Die andere Seite hat die Regeln von WebSocket gebrochen.',
  'close.1003': 'Eine binäre Nachricht: Dieser Server nimmt nur Text an.',
  'close.1005': 'Es wurde kein Code genannt.',
  'close.1006': 'Die Leitung riss: Es gab keinen Rahmen zum Ende.',
  'close.1007': 'Ein Text, der kein UTF-8 ist.',
  'close.1008': 'Das ist nicht erlaubt.',
  'close.1009': 'Die Nachricht war zu groß.',
  'close.1011': 'Ein Fehler des Servers.',
  'close.1012': 'Der Server startet neu.',
  'close.4401': 'Der Server weiß nicht, wer das ist.',
  'close.other': 'Ein Code dieses oder eines anderen Programms.',
};
