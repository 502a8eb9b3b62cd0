import type { Message } from '../lib/i18n.ts';

/** The texts of what asks for attention, and what does not: part of the catalogue. */
export const attention = {
  'unread.from': 'Mark as unread from here',
  'unread.marked': 'Unread from here on.',
  'unread.readAll': 'Mark all as read',
  'unread.none': 'Everything is marked as read.',
  'help.readAll': 'mark everything as read',
  'alerts.title': 'Alerts',
  'alerts.here': 'Alerts on this device',
  'alerts.off': 'Off: this browser alerts of nothing.',
  'alerts.asks':
    'Turned on, your browser asks once whether hubbub may show alerts. It then shows messages that are for you while you do not look at this page: who wrote, where, and how the message begins.',
  'alerts.push': 'On. Alerts also come while this page is closed, as long as the browser runs.',
  'alerts.page':
    'On, while this page is open in some tab. This browser reaches no service that would bring alerts when it is closed.',
  'alerts.denied':
    'Your browser was told to show no alerts of this page. That can be changed only there: by the sign to the left of the address, under the permissions of this page.',
  'alerts.unsupported':
    'This browser shows no alerts of pages. On an iPhone or iPad it does once hubbub is on the home screen: Share, Add to Home Screen, and open it from there.',
  'alerts.insecure':
    'Browsers show alerts only of pages that come over HTTPS, or from this machine. Ask whoever runs this place for an address with https.',
  'alerts.turnOn': 'Turn on alerts',
  'alerts.turnOff': 'Turn off alerts',
  'alerts.rooms':
    'Of which messages, each room says in its panel, under About: of all, of mentions, or of nothing. Conversations alert of all, rooms of mentions, unless you choose otherwise.',
  'level.label': 'Alert me of',
  'level.all': 'all messages',
  'level.mentions': 'mentions',
  'level.none': 'nothing',
  'level.default': 'the usual: {level}',
  'level.settings': 'Alerts on this device',
  'disturb.title': 'Do not disturb',
  'disturb.hint': 'Meanwhile nothing alerts you, on any device. What comes is counted as always.',
  'disturb.none': 'Alerts come.',
  'disturb.until': 'No alerts until {when}.',
  'disturb.untilNotice': 'No alerts until you say otherwise.',
  'disturb.hoursNow': 'No alerts until {to}: these are your quiet hours.',
  'disturb.end': 'Let alerts come again',
  'disturb.hour': 'For an hour',
  'disturb.tomorrow': 'Until tomorrow',
  'disturb.forever': 'Until I say otherwise',
  'disturb.untilTime': 'Until',
  'disturb.set': 'Pause until then',
  'disturb.past': 'That time is over.',
  'disturb.daily': 'Every day at certain hours',
  'disturb.from': 'from',
  'disturb.to': 'to',
  'disturb.zone': 'By the clocks of {zone}.',
  'disturb.ownZone': 'Use the clocks of {zone}',
  'pause.hour': 'Pause alerts for an hour',
  'pause.tomorrow': 'Pause alerts until tomorrow: {when}',
  'pause.settings': 'Settings for alerts…',
  'pause.until': 'Alerts, paused until {when}',
  'pause.forever': 'Alerts, paused',
  'pause.hours': 'Alerts, quiet hours until {to}',
} as const satisfies Record<string, Message>;
